"""The parts of a process, made once and closed once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from orchestrator.config import Config
from orchestrator.http.clients import Clients
from orchestrator.secrets import KeyRing
from orchestrator.store.engine import Database
from orchestrator.volatile import Volatile
from orchestrator.volatile.answers import AnswerCache

_MEGABYTE = 1024 * 1024


class NotConfigured(Exception):
    """A setting that this process needs is missing."""


@dataclass(frozen=True)
class Parts:
    """What every step of the way works with."""

    config: Config
    db: Database
    volatile: Volatile
    http: Clients
    keys: KeyRing
    cache: AnswerCache


@asynccontextmanager
async def open_parts(config: Config, role: str) -> AsyncIterator[Parts]:
    """The parts of one process, on the running loop; nothing connects before it is used."""
    if not config.database_url:
        raise NotConfigured("set ORCHESTRATOR_DATABASE_URL, or run `orchestrator up` for an embedded stack")
    if not config.broker_url:
        raise NotConfigured("set ORCHESTRATOR_BROKER_URL, or run `orchestrator up` for an embedded stack")
    parts = Parts(
        config=config,
        db=Database(config.database_url, pool_size=config.database_pool, name=role),
        volatile=Volatile(config.broker_url),
        http=Clients(config.connect_timeout),
        keys=KeyRing(config),
        cache=AnswerCache(
            config.cache_url or config.broker_url,
            config.cache_megabytes * _MEGABYTE,
            config.cache_process_megabytes * _MEGABYTE,
        ),
    )
    try:
        yield parts
    finally:
        parts.cache.close()
        await parts.http.close()
        await parts.volatile.close()
        await parts.db.close()
