"""API keys: made, shown once, kept as hashes, checked on every request.

A key is `orc_live_<id>_<secret><checksum>`: the checksum refuses a typo without a query, the id finds
the row, and the row holds an HMAC of the whole key. A checked key is believed for at most a second,
so that a revocation holds everywhere within that time.
"""

import hashlib
import hmac
import secrets
import string
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from orchestrator import clock
from orchestrator.store import tenants
from orchestrator.wiring import Parts
from schemas.errors import Unauthenticated

_ALPHABET: Final = string.digits + string.ascii_letters
_PREFIX: Final = "orc_live_"
_ID_LENGTH: Final = 12
_SECRET_LENGTH: Final = 36
_CHECKSUM_LENGTH: Final = 6
_LENGTH: Final = len(_PREFIX) + _ID_LENGTH + 1 + _SECRET_LENGTH + _CHECKSUM_LENGTH
_BELIEVED_SECONDS: Final = 1.0
_MOST_BELIEVED: Final = 10_000
_BOOTSTRAP: Final = "bootstrap"


class Scope(StrEnum):
    """What a key may do; `ADMIN`: change what the tenant's tasks are held to (budgets, gates, providers)."""

    READ = "tasks:read"
    WRITE = "tasks:write"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks."""

    tenant_id: UUID
    key_id: str
    scopes: frozenset[str]


_believed: dict[bytes, tuple[float, Principal]] = {}


async def authenticate(parts: Parts, header: str | None) -> Principal:
    """Who the `Authorization` header speaks for. Raises `Unauthenticated`, `StoreUnavailable`."""
    digest = hashlib.sha256((header or "").encode()).digest()
    found = _believed.get(digest)
    if found is not None and clock.monotonic() < found[0]:
        return found[1]
    key = _presented(header)
    principal = await _checked(parts, key)
    if len(_believed) >= _MOST_BELIEVED:
        _believed.clear()
    _believed[digest] = (clock.monotonic() + _BELIEVED_SECONDS, principal)
    return principal


async def create_key(parts: Parts, tenant_id: UUID, name: str, scopes: tuple[Scope, ...]) -> str:
    """A new key, in the only form in which it can be used; it is not kept and can't be shown again."""
    key_id, secret = _random(_ID_LENGTH), _random(_SECRET_LENGTH)
    stem = f"{_PREFIX}{key_id}_{secret}"
    key = stem + _checksum(stem)
    version = 1 if _pepper(parts, 1) else 0
    await parts.db.run(
        tenants.ADD_KEY,
        id=key_id,
        tenant_id=tenant_id,
        name=name,
        hash=_hash(parts, key, version),
        pepper_version=version,
        scopes=list(scopes),
    )
    return key


async def bootstrap_key(parts: Parts, tenant_id: UUID, *, rotate: bool = False) -> str | None:
    """A first key for a tenant that has no living one of ours; `rotate` revokes the old and makes a new."""
    given = {"tenant_id": tenant_id, "name": _BOOTSTRAP}
    if rotate:
        await parts.db.run(tenants.REVOKE_KEYS, **given)
    elif await parts.db.run(tenants.KEYS_OF_TENANT, **given):
        return None
    return await create_key(parts, tenant_id, _BOOTSTRAP, tuple(Scope))


def _presented(header: str | None) -> str:
    scheme, _, key = (header or "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated
    key = key.strip()
    if len(key) != _LENGTH or not key.isascii() or not key.startswith(_PREFIX):
        raise Unauthenticated("This is not an API key: keys look like `orc_live_…`.")
    if not hmac.compare_digest(_checksum(key[:-_CHECKSUM_LENGTH]), key[-_CHECKSUM_LENGTH:]):
        raise Unauthenticated("This API key has a typo: its checksum does not fit.")
    return key


async def _checked(parts: Parts, key: str) -> Principal:
    key_id = key[len(_PREFIX) : len(_PREFIX) + _ID_LENGTH]
    row = await parts.db.one(tenants.KEY, id=key_id)
    if row is None or not hmac.compare_digest(_hash(parts, key, row.pepper_version), bytes(row.hash)):
        raise Unauthenticated("This API key is unknown, expired or revoked.")
    return Principal(row.tenant_id, row.id, frozenset(row.scopes))


def _hash(parts: Parts, key: str, version: int) -> bytes:
    return hmac.digest(_pepper(parts, version), key.encode(), "sha256")


def _pepper(parts: Parts, version: int) -> bytes:
    pepper = parts.config.key_pepper
    return pepper.get_secret_value().encode() if pepper and version else b""


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(stem: str) -> str:
    number, digits = zlib.crc32(stem.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
