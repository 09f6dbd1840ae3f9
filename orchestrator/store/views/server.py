"""The database server's own settings, for `doctor`: its version, its promises on durability, its clock."""

from dataclasses import dataclass
from datetime import datetime

from orchestrator.store.engine import Database
from orchestrator.store.statements import text

SERVER = text(
    """
    SELECT current_setting('server_version_num')::int / 10000 AS major,
        current_setting('server_version') AS version,
        current_setting('fsync') AS fsync,
        current_setting('full_page_writes') AS full_page_writes,
        current_setting('synchronous_commit') AS synchronous_commit,
        current_setting('max_connections')::int AS max_connections,
        (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector,
        clock_timestamp() AS now
    """
)


@dataclass(frozen=True, slots=True)
class Server:
    """A Postgres server as this session meets it."""

    major: int
    version: str
    fsync: str
    full_page_writes: str
    synchronous_commit: str
    max_connections: int
    pgvector: str | None
    now: datetime


async def server(db: Database) -> Server:
    """The server's settings. Raises `StoreUnavailable`."""
    return Server(**(await db.run(SERVER))[0]._asdict())
