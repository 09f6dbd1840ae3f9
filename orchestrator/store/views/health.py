"""How the whole installation stands, over all tenants: for operators' probes and gauges only."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from orchestrator.store.budgets import STARTS
from orchestrator.store.engine import Database
from orchestrator.store.statements import text

MIGRATED = text("SELECT to_regclass('alembic_version') IS NOT NULL AS migrated")

REVISION = text("SELECT version_num FROM alembic_version")

QUEUED = text(
    """
    SELECT queue,
        CASE WHEN nudged_at IS NOT NULL THEN 'nudged' WHEN ready THEN 'ready' ELSE 'waiting' END AS state,
        count(*)::int AS tasks,
        coalesce(extract(epoch FROM clock_timestamp() - min(queued_at) FILTER (WHERE ready)), 0)::float8
            AS oldest
    FROM tasks WHERE status IN ('queued', 'scheduled')
    GROUP BY 1, 2
    """
)

LEASES = text(
    """
    SELECT queue, count(*)::int AS tasks FROM tasks
    WHERE status IN ('running', 'canceling') AND lease_until IS NOT NULL GROUP BY queue
    """
)

WORKERS = text(
    """
    SELECT count(*)::int AS processes, coalesce(sum(slots), 0)::int AS slots FROM workers
    WHERE stopped_at IS NULL AND heartbeat_at > clock_timestamp() - make_interval(secs => :dead_after)
    """
)


GATES = text(
    """
    SELECT kind, state, count(*)::int AS gates FROM gates
    WHERE state <> 'closed' AND (kind = 'circuit' OR closed_until > statement_timestamp())
    GROUP BY kind, state
    """
)

MONEY = text(
    f"""
    WITH living AS (
        SELECT id, scope, period, hard, limit_nanos, {STARTS.replace(":at", "now()")} AS starts
        FROM budgets WHERE deleted_at IS NULL
    )
    SELECT scope, period, hard, sum(limit_nanos)::float8 AS limit,
        coalesce(sum(spent_nanos), 0)::float8 AS spent, coalesce(sum(held_nanos), 0)::float8 AS held
    FROM living LEFT JOIN budget_windows AS w ON w.budget_id = living.id AND w.starts = living.starts
    GROUP BY scope, period, hard
    """
)

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """Gates that are not closed by kind and state; nano-dollars of all budgets by scope, period, hardness."""

    gates: Mapping[Labels, float]
    limit: Mapping[Labels, float]
    spent: Mapping[Labels, float]
    held: Mapping[Labels, float]


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the database answers, and the revision of its schema."""

    revision: str | None


@dataclass(frozen=True, slots=True)
class Levels:
    """Queue depth by (queue, state), age of the oldest ready task, leases, workers and their slots."""

    depth: Mapping[tuple[str, str], int]
    oldest_seconds: Mapping[str, float]
    leases: Mapping[str, int]
    workers: int
    slots: int


@cache
def expected_revision() -> str:
    """The newest revision among this release's migrations."""
    versions = Path(__file__).parents[1] / "migrations" / "versions"
    return max(path.stem.partition("_")[0] for path in versions.glob("[0-9]*.py"))


async def health(db: Database) -> Health:
    """The state of the database. Raises `StoreUnavailable`."""
    exists = await db.one(MIGRATED)
    row = await db.one(REVISION) if exists and exists.migrated else None
    return Health(row.version_num if row else None)


async def levels(db: Database, dead_after: float) -> Levels:
    """The gauges of the installation; a worker without a heartbeat for `dead_after` seconds is dead."""
    queued = await db.run(QUEUED)
    leases = await db.run(LEASES)
    workers = (await db.run(WORKERS, dead_after=dead_after))[0]
    oldest: dict[str, float] = {}
    for row in queued:
        oldest[row.queue] = max(oldest.get(row.queue, 0.0), row.oldest)
    return Levels(
        depth={(row.queue, row.state): row.tasks for row in queued},
        oldest_seconds=oldest,
        leases={row.queue: row.tasks for row in leases},
        workers=workers.processes,
        slots=workers.slots,
    )


async def limits(db: Database) -> Limits:
    """What gates and budgets stand at, over all tenants."""
    gates = await db.run(GATES)
    money = {
        (("scope", row.scope), ("period", row.period), ("hard", str(row.hard).lower())): row
        for row in await db.run(MONEY)
    }
    return Limits(
        gates={(("kind", row.kind), ("state", row.state)): row.gates for row in gates},
        limit={labels: row.limit for labels, row in money.items()},
        spent={labels: row.spent for labels, row in money.items()},
        held={labels: row.held for labels, row in money.items()},
    )
