"""Where a webhook goes and what signs it, and where a provider is, checked when they are given.

What passes here can be called and signed with later; whether the host may be called is decided when
it is, because names change their addresses.
"""

import base64
import binascii
import ipaddress
import re
from typing import Annotated, Final
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field

_HOST: Final = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_LONGEST_HOST: Final = 253
_SECRET_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = range(24, 65)


def leads_up(path: str) -> bool:
    """Whether a path has `.` or `..` as a whole part, encoded or not: clients and servers resolve those."""
    parts = re.split(r"[/\\]", unquote(path.partition("?")[0]))
    return not {".", ".."}.isdisjoint(parts)


def callable_address(url: str) -> str:
    """An http(s) address with a host that can be looked up; ValueError names what is wrong with it."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    if any(char.isspace() or not char.isprintable() for char in url):
        raise ValueError("must not contain spaces or control characters: write them as %20 and the like")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        raise ValueError(f"must be an address such as https://example.com/hook: {error}") from error
    if parts.username is not None:
        raise ValueError("must not contain a user name or password")
    if not host:
        raise ValueError("must name a host, as in https://example.com/hook")
    _check_host(host, bracketed=parts.netloc.startswith("["))
    _check_port(parts.netloc, host)
    return url


def _check_host(host: str, *, bracketed: bool) -> None:
    if bracketed:
        try:
            ipaddress.IPv6Address(host)
        except ValueError as error:
            raise ValueError(f"must have an IPv6 address between the brackets, not {host!r}") from error
        if "%" in host:
            raise ValueError("must not contain a zone (%…) in its IPv6 address")
    elif len(host) > _LONGEST_HOST or not _HOST.fullmatch(host):
        raise ValueError(
            "must name a host of ASCII letters, digits, '-' and '.', in labels of at most 63 "
            "(an international name in its xn-- form)"
        )


def _check_port(netloc: str, host: str) -> None:
    port = netloc.rpartition("]")[2] if netloc.startswith("[") else netloc[len(host) :]
    if port in ("", ":"):
        return
    digits = port.removeprefix(":")
    if not (port.startswith(":") and re.fullmatch("[0-9]{1,5}", digits) and 1 <= int(digits) <= 65535):
        raise ValueError(f"must have a port from 1 to 65535, not {digits[:20]!r}")


def base_address(url: str) -> str:
    """A provider's address without a slash at its end; ValueError names what is wrong with it."""
    found = callable_address(url)
    parts = urlsplit(found)
    if "?" in found or "#" in found:
        raise ValueError("must end with its path: options and versions have fields of their own")
    if any(part in (".", "..") for part in parts.path.split("/")):
        raise ValueError("must not contain '.' or '..' in its path")
    return found.rstrip("/")


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, in the one form that two of them are compared in."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = (parts.hostname or "").rstrip(".").lower()
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme.lower()}://{shown}:{port}"


def signing_secret(secret: str) -> str:
    """A secret as Standard Webhooks writes it; ValueError says how."""
    try:
        if not secret.startswith(_SECRET_PREFIX):
            raise ValueError
        key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("must be 'whsec_' and 24 to 64 random bytes in base64, with its padding") from error
    if len(key) not in _SECRET_BYTES:
        raise ValueError(f"must be 'whsec_' and 24 to 64 random bytes in base64; these are {len(key)} bytes")
    return secret


WebhookAddress = Annotated[
    str,
    Field(
        max_length=2048,
        description="an http or https address, without user name or password",
        json_schema_extra={"pattern": r"^https?://"},
    ),
    AfterValidator(callable_address),
]
BaseAddress = Annotated[
    str,
    Field(
        max_length=2048,
        description="an http or https address up to its version, such as https://api.openai.com/v1",
        json_schema_extra={"pattern": r"^https?://"},
    ),
    AfterValidator(base_address),
]
SigningSecret = Annotated[
    str,
    Field(
        max_length=256,
        description="`whsec_` and 24 to 64 random bytes in base64; signs each delivery, never shown again",
        json_schema_extra={"pattern": r"^whsec_[A-Za-z0-9+/]+={0,2}$"},
    ),
    AfterValidator(signing_secret),
]
