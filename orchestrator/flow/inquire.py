"""Inquire: have a worker try an endpoint, and wait a while for what it found.

The API makes no outbound request: the check is a chore. What is tried without being kept is sealed for
the way, and shredded when the check is done.
"""

from typing import Final
from uuid import UUID

from orchestrator import clock
from orchestrator.catalogue.templates import usual_wire, vendor_at
from orchestrator.limits.credentials import TRIED, sealed_for
from orchestrator.limits.endpoints import refuse_unfit
from orchestrator.secrets import NONE
from orchestrator.store import checks, providers, views
from orchestrator.wiring import Parts
from schemas.addresses import origin_of
from schemas.configured import CheckRequest, CheckStatus, CheckView
from schemas.errors import FieldError, InvalidRequest, NotFound, OrchestratorError
from schemas.providers import Provider, ProviderOptions

_POLL_SECONDS: Final = 0.2
NO_MODEL: Final = "-"


async def inquire(
    parts: Parts, tenant_id: UUID, name: str | None, asked: CheckRequest, seconds: float
) -> CheckView:
    """What was found, or how far it is after `seconds`.

    `name` tries a configured provider, with what `asked` changes of it. Raises `NotFound`,
    `InvalidRequest`, `MasterKeyMissing`.
    """
    saved = await _saved(parts, tenant_id, name)
    if name is not None and saved is None and asked.base_url is None:
        raise NotFound(f"There is no provider {name!r}; give a base_url to try one that is not kept.")
    target, changed = _target(saved, asked)
    refuse_unfit(
        parts.config,
        vendor=target.vendor,
        wire=target.wire,
        base_url=target.base_url,
        model=target.model,
        options=target.options,
        trusted=target.trusted,
    )
    check_id = clock.new_id()
    key_id = await _sealed(parts, tenant_id, target, asked)
    await parts.db.run(
        checks.ADD,
        id=check_id,
        chore_id=clock.new_id(),
        kind=checks.KIND,
        tenant_id=tenant_id,
        provider_id=saved.id if saved and not changed else None,
        credential_id=key_id,
        target=target.model_dump_json(),
    )
    return await _awaited(parts, tenant_id, check_id, seconds)


async def _saved(parts: Parts, tenant_id: UUID, name: str | None) -> Provider | None:
    if name is None:
        return None
    views.forget_providers(tenant_id)
    found = (provider for provider, _, _ in await views.providers(parts.db, tenant_id))
    return next((provider for provider in found if provider.name == name), None)


def _target(saved: Provider | None, asked: CheckRequest) -> tuple[Provider, bool]:
    """The provider to try, and whether it is another one than the one that is kept."""
    given = {field: getattr(asked, field) for field in asked.model_fields_set if field != "credential"}
    given = {field: value for field, value in given.items() if value is not None}
    if saved is None:
        return _unsaved(asked), True
    target = saved.model_copy(update=given)
    away = origin_of(target.base_url) != origin_of(saved.base_url)
    if "credential" in asked.model_fields_set:
        target = target.model_copy(update={"credential": NONE})
    elif away and saved.credential != NONE:
        raise _invalid(
            "credential",
            f"is needed for a try at another host: the one kept is for {origin_of(saved.base_url)} alone",
        )
    if away:
        target = target.model_copy(update={"trusted": False})
    return target, bool(asked.model_fields_set)


def _unsaved(asked: CheckRequest) -> Provider:
    if asked.base_url is None:
        raise _invalid("base_url", "is required: it says what is to be tried")
    vendor = asked.vendor or vendor_at(asked.base_url)
    return Provider(
        id=UUID(int=0),
        name=TRIED,
        vendor=vendor,
        wire=asked.wire or usual_wire(vendor, asked.base_url, asked.options),
        base_url=asked.base_url,
        model=asked.model or NO_MODEL,
        credential=NONE,
        options=asked.options or ProviderOptions(),
    )


async def _sealed(parts: Parts, tenant_id: UUID, target: Provider, asked: CheckRequest) -> UUID | None:
    if asked.credential is None:
        return None
    secret = asked.credential.get_secret_value()
    boxed = await sealed_for(parts, tenant_id, TRIED, target.base_url, secret)
    await parts.db.run(providers.SEAL, **boxed.row(None))
    return boxed.id


async def _awaited(parts: Parts, tenant_id: UUID, check_id: UUID, seconds: float) -> CheckView:
    until = clock.monotonic() + seconds
    while True:
        found = await views.check(parts.db, tenant_id, check_id)
        if found is None:
            raise OrchestratorError("The check is gone.")
        if found.status is not CheckStatus.PENDING or clock.monotonic() >= until:
            return found
        await clock.sleep(_POLL_SECONDS)


def _invalid(field: str, what: str) -> InvalidRequest:
    message = f"{field} {what}"
    return InvalidRequest(message, errors=(FieldError(field=field, message=message, code="required"),))
