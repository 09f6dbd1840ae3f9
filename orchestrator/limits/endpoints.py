"""What a tenant may configure as a provider; each refusal names the field and what would be right.

Validators of one's own are loaded from the entry points `orchestrator.provider_validators`: callables
that take the provider (a mapping without its credential) and yield pairs of field and message.
"""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Final
from urllib.parse import urlsplit

from orchestrator import adapters
from orchestrator.config import Config
from orchestrator.http.addresses import is_never_called, is_private_host
from schemas.configured import misplaced_option, misplaced_wire
from schemas.errors import FieldError, InvalidRequest
from schemas.providers import ProviderOptions, Vendor, Wire

GROUP: Final = "orchestrator.provider_validators"
Validator = Callable[[Mapping[str, Any]], Iterable[tuple[str, str]]]


def refuse_unfit(
    config: Config,
    *,
    vendor: Vendor,
    wire: Wire,
    base_url: str,
    model: str | None,
    options: ProviderOptions,
    trusted: bool = False,
) -> None:
    """Raise `InvalidRequest` naming each field that can't be; `trusted`: the operator chose the host."""
    errors = [] if trusted else list(_address(config, base_url))
    misplaced = misplaced_option(vendor, options)
    if misplaced:
        errors.append(FieldError(field=misplaced.split(" ")[0], message=misplaced, code="misplaced_option"))
    elsewhere = misplaced_wire(vendor, wire, options)
    if elsewhere:
        field, said = elsewhere
        errors.append(FieldError(field=field, message=f"{field} {said}", code="unfit_wire"))
    errors += [*_declared(wire, options), *_adapted(wire, options)]
    told = {
        "vendor": str(vendor),
        "wire": str(wire),
        "base_url": base_url,
        "model": model,
        "options": options.model_dump(mode="json"),
    }
    for validator in _validators():
        errors += [
            FieldError(field=field, message=f"{field} {said}", code="refused")
            for field, said in validator(told)
        ]
    if errors:
        raise InvalidRequest(errors[0].message, errors=tuple(errors))


def _declared(wire: Wire, options: ProviderOptions) -> Iterator[FieldError]:
    field = "options.custom"
    if wire is Wire.CUSTOM and options.custom is None:
        message = f"{field} is required: it declares what is spoken on the wire custom"
        yield FieldError(field=field, message=message, code="required")
    elif wire is not Wire.CUSTOM and options.custom is not None:
        message = f"{field} means nothing on the wire {wire}: it is for custom"
        yield FieldError(field=field, message=message, code="misplaced_option")


def _adapted(wire: Wire, options: ProviderOptions) -> Iterator[FieldError]:
    field = "options.adapter"
    if wire is not Wire.ADAPTER and options.adapter is not None:
        message = f"{field} means nothing on the wire {wire}: it is for adapter"
        yield FieldError(field=field, message=message, code="misplaced_option")
    elif wire is Wire.ADAPTER and options.adapter not in adapters.installed():
        known = ", ".join(adapters.installed()) or "none"
        message = f"{field} must name an adapter that is installed here; there are: {known}"
        yield FieldError(field=field, message=message, code="unknown_adapter")


def _address(config: Config, base_url: str) -> Iterator[FieldError]:
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if _is_never_called(host):
        yield _wrong("must not be at a link-local, multicast or unspecified address", "refused_address")
    elif config.allow_private_providers:
        return
    elif is_private_host(host):
        yield _wrong(
            f"must not be at a private address ({host}): the operator may allow it with "
            "ORCHESTRATOR_ALLOW_PRIVATE_PROVIDERS=true",
            "private_address",
        )
    elif parts.scheme != "https":
        yield _wrong("must start with https://, so that the credential travels encrypted", "not_encrypted")


def _is_never_called(host: str) -> bool:
    try:
        return is_never_called(ipaddress.ip_address(host))
    except ValueError:
        return False


def _wrong(what: str, code: str) -> FieldError:
    return FieldError(field="base_url", message=f"base_url {what}", code=code)


@cache
def _validators() -> tuple[Validator, ...]:
    return tuple(each.load() for each in entry_points(group=GROUP))
