"""The worker processes that registered lately, for operators."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.store.engine import Database
from orchestrator.store.statements import text

WORKERS = text(
    """
    SELECT name, hostname, pid, queues, slots, version, started_at, heartbeat_at,
        CASE WHEN stopped_at IS NOT NULL THEN 'stopped'
            WHEN heartbeat_at <= clock_timestamp() - make_interval(secs => :dead_after) THEN 'dead'
            WHEN draining_at IS NOT NULL THEN 'draining'
            ELSE 'live' END AS state
    FROM workers WHERE heartbeat_at > clock_timestamp() - interval '1 day'
    ORDER BY stopped_at IS NOT NULL, heartbeat_at DESC LIMIT 200
    """
)


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One worker process; `state` is live, draining, stopped or dead (no heartbeat)."""

    name: str
    hostname: str
    pid: int
    queues: list[str]
    slots: int
    version: str
    started_at: datetime
    heartbeat_at: datetime
    state: str

    def as_json(self) -> dict[str, Any]:
        """The row with times in RFC 3339."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return fields | {
            name: moment.isoformat(timespec="seconds")
            for name, moment in fields.items()
            if isinstance(moment, datetime)
        }


async def workers(db: Database, dead_after: float) -> list[WorkerRow]:
    """The living first, then those of the last day; after `dead_after` silent seconds one counts as dead."""
    return [WorkerRow(**row._asdict()) for row in await db.run(WORKERS, dead_after=dead_after)]
