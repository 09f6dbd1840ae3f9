"""Before the processes start: tables, tenant, providers, a first API key."""

import asyncio
from dataclasses import dataclass
from typing import Final

from orchestrator import auth, telemetry
from orchestrator.cli.exits import Code, Ending
from orchestrator.cli.system.keys import Kept
from orchestrator.config import Config
from orchestrator.embedded.directory import write_private
from orchestrator.flow.configure import ProviderSetting, configure
from orchestrator.secrets import KeyRing, has_key, key_file, new_key
from orchestrator.store import views
from orchestrator.store.migrate import migrate
from orchestrator.volatile import Unreachable
from orchestrator.wiring import Parts, open_parts
from schemas.errors import MasterKeyMissing, StoreUnavailable

TENANT: Final = "default"


@dataclass(frozen=True)
class Key:
    """The API key: `fresh` where it was made just now; `value` None where it is known elsewhere only."""

    value: str | None
    fresh: bool


def prepare(
    config: Config, providers: tuple[ProviderSetting, ...], kept: Kept, *, own_database: bool, rotate: bool
) -> Key:
    """Everything in the database that the processes expect; the key is kept for the command line.

    A key whose file was lost is replaced where the database is ours; elsewhere others may use it.
    """
    lost = own_database and kept.key is None
    made = asyncio.run(_prepared(config, providers, rotate=rotate or lost))
    if made is None:
        return Key(kept.key, fresh=False)
    kept.keep_key(made)
    return Key(made, fresh=True)


async def _prepared(config: Config, providers: tuple[ProviderSetting, ...], *, rotate: bool) -> str | None:
    await answering(config)
    await asyncio.to_thread(migrate, config.database_url or "")
    async with open_parts(config, "up") as parts:
        await _broker_answers(parts)
        configured = await configure(parts, TENANT, providers)
        return await auth.bootstrap_key(parts, configured.tenant_id, rotate=rotate)


async def make_master_key(config: Config, *, own_database: bool) -> None:
    """A master key in the data directory where none is set or there.

    Raises `Ending` where the one that is set can't be used, or another one has sealed what others use.
    """
    try:
        if has_key(config) or config.master_key_file:
            KeyRing(config).current()
            return
    except MasterKeyMissing as error:
        raise Ending(error.detail) from error
    async with open_parts(config, "up") as parts:
        sealed_under = await views.sealed_under(parts.db)
    if sealed_under is not None and not own_database:
        raise Ending(
            f"This database has credentials sealed under the master key {sealed_under}, which is not here.",
            "Set ORCHESTRATOR_MASTER_KEY or ORCHESTRATOR_MASTER_KEY_FILE to it, as it is where it was made.",
        )
    if sealed_under is not None:
        telemetry.warn("master_key.lost", sealed_under=sealed_under, made=str(key_file(config)))
    write_private(key_file(config), f"{new_key()}\n")


async def answering(config: Config) -> None:
    """Return when the database answers; raises `Ending` where it doesn't."""
    # No broker is asked for anything here, so any address will do where none is known.
    with_broker = config.model_copy(update={"broker_url": config.broker_url or "redis://127.0.0.1:6379/0"})
    async with open_parts(with_broker, "cli") as parts:
        try:
            await parts.db.ping()
        except StoreUnavailable as error:
            raise Ending(
                f"The database does not answer: {_reason(error)}",
                "Check ORCHESTRATOR_DATABASE_URL; `orchestrator doctor` looks closer.",
                code=Code.UNAVAILABLE,
            ) from error


async def _broker_answers(parts: Parts) -> None:
    if not is_redis(parts.config.broker_url):
        return
    try:
        await parts.volatile.ping()
    except Unreachable as error:
        raise Ending(
            f"The broker does not answer: {error}",
            "Check ORCHESTRATOR_BROKER_URL; `orchestrator doctor` looks closer.",
            code=Code.UNAVAILABLE,
        ) from error


def is_redis(url: str | None) -> bool:
    """Whether the broker is one that we can look at: Redis or Valkey."""
    return (url or "").startswith(("redis://", "rediss://", "unix://"))


def _reason(error: BaseException) -> str:
    """The first line of what the driver said, where there was one."""
    said = str(error.__cause__ or error).strip()
    return said.splitlines()[0] if said else type(error).__name__
