"""Provide: a tenant gets another provider, its credential sealed before anything is stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from orchestrator import clock, telemetry
from orchestrator.catalogue.templates import usual_wire, vendor_at
from orchestrator.limits.credentials import Boxed, sealed_for
from orchestrator.limits.endpoints import refuse_unfit
from orchestrator.secrets import NONE
from orchestrator.store import providers, views
from orchestrator.wiring import Parts
from schemas.configured import ProviderRequest
from schemas.errors import ProviderExists

_MOST_NAMES: Final = 50
_LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True)
class Made:
    """A provider that was stored, and the simulated ones that were paused because it takes over."""

    name: str
    took_over_from: tuple[str, ...]


async def provide(parts: Parts, tenant_id: UUID, asked: ProviderRequest, model: str) -> Made:
    """Store the provider. Raises `InvalidRequest`, `ProviderExists`, `MasterKeyMissing`.

    The first real provider that is not paused takes over from simulated ones: they are paused.
    """
    vendor = asked.vendor or vendor_at(asked.base_url)
    wire = asked.wire or usual_wire(vendor, asked.base_url, asked.options)
    refuse_unfit(
        parts.config, vendor=vendor, wire=wire, base_url=asked.base_url, model=model, options=asked.options
    )
    row = {
        "tenant_id": tenant_id,
        "vendor": vendor,
        "wire": wire,
        "base_url": asked.base_url,
        "model": model,
        "options": asked.options.model_dump_json(exclude_none=True),
        "concurrency_limit": asked.concurrency_limit,
        "paused": asked.paused,
        "position": asked.position,
    }
    for name in _names(asked):
        boxed = None
        if asked.credential is not None:
            secret = asked.credential.get_secret_value()
            boxed = await sealed_for(parts, tenant_id, name, asked.base_url, secret)
        paused = await _stored(parts, {**row, "id": clock.new_id(), "name": name}, boxed)
        if paused is not None:
            views.forget_providers(tenant_id)
            telemetry.tell("provider.created", provider=name, vendor=vendor, sealed=boxed is not None)
            return Made(name, paused)
    raise ProviderExists(f"There is a provider {asked.name!r} already: change it, or choose another name.")


async def _stored(parts: Parts, row: dict[str, object], boxed: Boxed | None) -> tuple[str, ...] | None:
    """The names of the simulated providers that were paused; None where the name is taken."""
    async with parts.db.transaction() as connection:
        given = {**row, "credential": boxed.reference if boxed else NONE}
        if (await connection.execute(providers.ADD, given)).one_or_none() is None:
            return None
        if boxed is not None:
            await connection.execute(providers.SEAL, boxed.row(UUID(str(row["id"]))))
        if row["paused"]:
            return ()
        whose = {"tenant_id": row["tenant_id"], "id": row["id"]}
        paused = await connection.execute(providers.PAUSE_SIMULATED, whose)
        return tuple(sorted(each.name for each in paused))


def _names(asked: ProviderRequest) -> Iterator[str]:
    """The given name; without one, made from the host, with a number where it is taken."""
    if asked.name is not None:
        yield asked.name
        return
    host = (urlsplit(asked.base_url).hostname or "provider").removeprefix("api.").removeprefix("www.")
    stem = "".join(char if char.isascii() and char.isalnum() else "-" for char in host.lower())
    stem = stem[:_LONGEST_NAME].strip("-") or "provider"
    yield stem
    for number in range(2, _MOST_NAMES):
        yield f"{stem[: _LONGEST_NAME - 3].rstrip('-')}-{number}"
