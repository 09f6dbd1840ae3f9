"""Reconfigure: a provider is changed; a credential stays with the host that it was given for."""

from typing import Any, Final
from uuid import UUID

import orjson

from orchestrator import telemetry
from orchestrator.limits.credentials import Boxed, sealed_for
from orchestrator.limits.endpoints import refuse_unfit
from orchestrator.limits.gates import clear
from orchestrator.secrets import NONE, kind_of
from orchestrator.store import providers, views
from orchestrator.store.engine import Connection, Row
from orchestrator.wiring import Parts
from schemas.addresses import origin_of
from schemas.configured import ProviderPatch
from schemas.errors import FieldError, InvalidRequest, NotFound, StoreUnavailable
from schemas.gates import GateKind
from schemas.providers import ProviderOptions, Vendor, Wire

_ITS_OWN: Final = frozenset({"vendor", "wire", "base_url", "model", "credential", "position"})
"""What makes a provider the tenant's own: the environment of the next start no longer sets it."""
_TRIES: Final = 3


async def reconfigure(parts: Parts, tenant_id: UUID, name: str, patch: ProviderPatch) -> None:
    """Change what the patch names. Raises `NotFound`, `InvalidRequest`, `MasterKeyMissing`.

    Giving a credential clears the gate of one that was refused.
    """
    for _ in range(_TRIES):
        before = await views.configured_one(parts.db, tenant_id, name)
        if before is None:
            raise NotFound(f"There is no provider {name!r}.")
        base_url = patch.base_url or before.base_url
        boxed = None
        if patch.credential is not None:
            boxed = await sealed_for(parts, tenant_id, name, base_url, patch.credential.get_secret_value())
        if await _changed(parts, tenant_id, name, patch, origin_of(base_url), boxed):
            views.forget_providers(tenant_id)
            telemetry.tell("provider.changed", provider=name, fields=sorted(patch.model_fields_set))
            return
    raise StoreUnavailable(f"The provider {name!r} is being changed by others too. Try again.", retry_after=1)


async def _changed(
    parts: Parts, tenant_id: UUID, name: str, patch: ProviderPatch, sealed_for_host: str, boxed: Boxed | None
) -> bool:
    """False where the provider has gone to another host since the credential was sealed."""
    async with parts.db.transaction() as connection:
        row = (await connection.execute(providers.LOCK, {"tenant_id": tenant_id, "name": name})).one_or_none()
        if row is None:
            raise NotFound(f"There is no provider {name!r}.")
        _refuse_simulated(row, patch)
        wanted = _wanted(row, patch, boxed)
        if origin_of(wanted["base_url"]) != sealed_for_host:
            return False
        _refuse_unfit(parts, row, wanted)
        changed = (await connection.execute(providers.REPLACE, wanted)).one()
        await _keep_credential(connection, row.id, patch, boxed)
    if boxed is not None:
        await clear(parts.db, GateKind.CREDENTIAL, changed.account, "")
    return True


async def _keep_credential(
    connection: Connection, provider_id: UUID, patch: ProviderPatch, boxed: Boxed | None
) -> None:
    if boxed is not None:
        await connection.execute(providers.SEAL, boxed.row(provider_id))
    elif "credential" in patch.model_fields_set:
        await connection.execute(providers.SHRED, {"provider_id": provider_id})


def _wanted(row: Row, patch: ProviderPatch, boxed: Boxed | None) -> dict[str, Any]:
    """The row as it shall be; refuses to take a credential along to another host."""
    given = {field: getattr(patch, field) for field in patch.model_fields_set - {"credential", "options"}}
    wanted = {
        "id": row.id,
        "vendor": row.vendor,
        "wire": row.wire,
        "base_url": row.base_url,
        "model": row.model,
        "concurrency_limit": row.concurrency_limit,
        "paused": row.paused,
        "position": row.position,
        **given,
    }
    options = patch.options.model_dump(exclude_none=True, mode="json") if patch.options else row.options
    wanted["options"] = orjson.dumps(options).decode()
    same_host = origin_of(wanted["base_url"]) == origin_of(row.base_url)
    wanted["same_host"] = same_host
    wanted["managed"] = not patch.model_fields_set & _ITS_OWN
    wanted["credential"] = row.credential
    if boxed is not None:
        wanted["credential"] = boxed.reference
    elif "credential" in patch.model_fields_set:
        wanted["credential"] = NONE
    elif not same_host and kind_of(row.credential) != NONE:
        raise _needed_again(row.base_url, wanted["base_url"])
    return wanted


def _needed_again(old: str, new: str) -> InvalidRequest:
    message = (
        f"credential is needed again: it was given for {origin_of(old)} and is not taken along to "
        f"{origin_of(new)} (null, if that endpoint takes none)"
    )
    return InvalidRequest(
        message, errors=(FieldError(field="credential", message=message, code="bound_to_host"),)
    )


def _refuse_unfit(parts: Parts, row: Row, wanted: dict[str, Any]) -> None:
    refuse_unfit(
        parts.config,
        vendor=Vendor(wanted["vendor"]),
        wire=Wire(wanted["wire"]),
        base_url=wanted["base_url"],
        model=wanted["model"],
        options=ProviderOptions.model_validate_json(wanted["options"]),
        trusted=row.trusted and wanted["same_host"],
    )


def _refuse_simulated(row: Row, patch: ProviderPatch) -> None:
    touched = sorted(patch.model_fields_set & _ITS_OWN)
    if row.simulated and touched:
        errors = tuple(
            FieldError(
                field=field,
                message=f"{field} can't be changed: this provider is the simulator's, set up at each start",
                code="simulated",
            )
            for field in touched
        )
        raise InvalidRequest(errors[0].message, errors=errors)
