"""Credentials of providers: sealed before they are stored, opened right before the one request.

A sealed one opens for its tenant, its provider and its host, and for nobody and nowhere else. What is
remembered between two calls is the sealed form, for a second, so that a new one is in force at once.
"""

from typing import Any, Final
from uuid import UUID

from orchestrator import clock
from orchestrator.secrets import (
    NONE,
    SEALED,
    Binding,
    Sealed,
    credential_in_environment,
    kind_of,
    open_sealed,
    seal,
)
from orchestrator.store import checks, providers
from orchestrator.store.engine import Row
from orchestrator.wiring import Parts
from schemas.addresses import origin_of
from schemas.errors import CredentialMissing
from schemas.providers import Provider

SECONDS: Final = 1.0
MARK_SECONDS: Final = 60.0
MOST_REMEMBERED: Final = 10_000
TRIED: Final = "a check"
"""What a credential belongs to that is only tried, in place of a provider."""

_remembered: dict[tuple[UUID, str, str], tuple[float, Row]] = {}
_marked: dict[UUID, float] = {}


async def sealed_for(parts: Parts, tenant_id: UUID, provider: str, base_url: str, secret: str) -> "Boxed":
    """A secret as it is stored, good for this provider at this host. Raises `MasterKeyMissing`."""
    binding = Binding(tenant_id, clock.new_id(), provider, origin_of(base_url))
    return Boxed(binding, await seal(parts.keys, binding, secret))


class Boxed:
    """A sealed secret with what it is bound to."""

    def __init__(self, binding: Binding, sealed: Sealed) -> None:
        self._binding = binding
        self._sealed = sealed

    @property
    def id(self) -> UUID:
        """Its key id."""
        return self._binding.key_id

    @property
    def reference(self) -> str:
        """What stands with the provider in its place: the same for the same secret."""
        return f"{SEALED}:{self._sealed.fingerprint}"

    def row(self, provider_id: UUID | None) -> dict[str, Any]:
        """As `store.providers.SEAL` takes it."""
        return {
            "id": self._binding.key_id,
            "tenant_id": self._binding.tenant_id,
            "provider_id": provider_id,
            "provider": self._binding.provider,
            "host": self._binding.host,
            "box": self._sealed.box,
            "data_key": self._sealed.data_key,
            "master_key": self._sealed.master_key,
        }


async def opened(parts: Parts, tenant_id: UUID, provider: Provider) -> str | None:
    """The provider's key, for a request to it; None where its endpoint takes none.

    Raises `CredentialMissing` (also where it does not open for this host), `StoreUnavailable`.
    """
    if (kind := kind_of(provider.credential)) != SEALED:
        return None if kind == NONE else credential_in_environment(provider.credential, provider.name)
    row = await _sealed_row(parts, provider)
    if row is None:
        raise CredentialMissing(f"the credential of the provider {provider.name!r} has been taken away")
    return await _open(parts, row, tenant_id, provider.name, provider.base_url)


async def opened_for_check(parts: Parts, tenant_id: UUID, key_id: UUID, base_url: str) -> str:
    """A key that is only tried. Raises `CredentialMissing`, `StoreUnavailable`."""
    row = await parts.db.one(providers.SEALED_FOR_CHECK, id=key_id)
    if row is None:
        raise CredentialMissing("the credential that was to be tried has been shredded already")
    return await _open(parts, row, tenant_id, TRIED, base_url)


async def shred(parts: Parts, key_id: UUID) -> None:
    """Forget a key that was only tried."""
    await parts.db.run(checks.SHRED, id=key_id)


async def _open(parts: Parts, row: Row, tenant_id: UUID, provider: str, base_url: str) -> str:
    host = origin_of(base_url)
    if row.host != host:
        raise CredentialMissing(
            f"the credential of the provider {provider!r} was given for {row.host} and is not sent to {host}"
        )
    sealed = Sealed(bytes(row.box), bytes(row.data_key), row.master_key, "")
    return await open_sealed(parts.keys, Binding(tenant_id, row.id, provider, host), sealed)


async def _sealed_row(parts: Parts, provider: Provider) -> Row | None:
    now = clock.monotonic()
    which = provider.id, provider.credential, provider.base_url
    found = _remembered.get(which)
    if found is not None and now < found[0]:
        return found[1]
    row = await parts.db.one(providers.SEALED, provider_id=provider.id)
    if row is None:
        return None
    if len(_remembered) >= MOST_REMEMBERED:
        _remembered.clear()
        _marked.clear()
    _remembered[which] = (now + SECONDS, row)
    if now >= _marked.get(row.id, 0.0):
        _marked[row.id] = now + MARK_SECONDS
        await parts.db.run(providers.USED, id=row.id)
    return row
