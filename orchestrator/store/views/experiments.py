"""A tenant's experiments, and what became of the tasks that were given to their arms.

Which arm a task was given to stands in its stored explanation; nothing else is kept of it.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from orchestrator import clock
from orchestrator.store.engine import Database, Row
from orchestrator.store.statements import text
from schemas.experiments import ExperimentStatus, ExperimentView

SECONDS: Final = 1.0
MOST_TENANTS: Final = 10_000
MOST_SAMPLES: Final = 100_000

_SELECT: Final = """
    SELECT id, name, status, kinds, label, metric, arms, created_at, updated_at, ended_at
    FROM experiments WHERE tenant_id = :tenant_id"""

EXPERIMENTS = text(f"{_SELECT} ORDER BY created_at, id")
EXPERIMENT = text(f"{_SELECT} AND name = :name")

OUTCOMES = text(
    """
    WITH given AS (
        SELECT id, explanation -> 'experiment' ->> 'arm' AS arm,
            (explanation -> 'experiment' ->> 'applied')::boolean AS applied
        FROM task_payloads
        WHERE explanation -> 'experiment' ->> 'id' = :id
            AND explanation -> 'experiment' ->> 'id' IS NOT NULL AND tenant_id = :tenant_id
        ORDER BY id DESC LIMIT :most
    ), each_task AS (
        SELECT given.arm, t.status, t.finished_at IS NULL AS open, t.status = 'succeeded' AS good,
            NOT given.applied OR t.candidate <> 0 OR EXISTS (
                SELECT FROM events WHERE events.task_id = t.id AND events.name = 'task.failed_over'
            ) AS contaminated,
            extract(epoch FROM t.finished_at - t.started_at)::float8 AS seconds,
            (SELECT coalesce(sum(coalesce(cost_nanos, hold_nanos)), 0)::float8 FROM calls
                WHERE calls.task_id = t.id) AS nanos,
            (SELECT bool_and(accepted) FROM feedback
                WHERE feedback.task_id = t.id AND accepted IS NOT NULL) AS accepted
        FROM given JOIN tasks AS t ON t.id = given.id
    ), judged AS (
        SELECT *, NOT contaminated AND NOT open AND status <> 'canceled' AS counts FROM each_task
    )
    SELECT arm, count(*)::int AS assigned,
        count(*) FILTER (WHERE contaminated)::int AS contaminated,
        count(*) FILTER (WHERE NOT contaminated AND open)::int AS open,
        count(*) FILTER (WHERE NOT contaminated AND status = 'canceled')::int AS canceled,
        count(*) FILTER (WHERE counts)::int AS samples,
        count(*) FILTER (WHERE counts AND good)::int AS succeeded,
        (avg(nanos) FILTER (WHERE counts))::float8 AS nanos,
        (var_samp(nanos) FILTER (WHERE counts))::float8 AS nanos_variance,
        (avg(seconds) FILTER (WHERE counts AND good))::float8 AS seconds,
        (var_samp(seconds) FILTER (WHERE counts AND good))::float8 AS seconds_variance,
        count(accepted) FILTER (WHERE counts)::int AS rated,
        count(*) FILTER (WHERE counts AND accepted)::int AS accepted
    FROM judged GROUP BY arm
    """
)
"""A task that has failed over is no sample, even where it came back to its first provider."""


@dataclass(frozen=True, slots=True)
class ArmOutcome:
    """What became of an arm's tasks; means and variances in nano-dollars and seconds."""

    arm: str
    assigned: int = 0
    contaminated: int = 0
    open: int = 0
    canceled: int = 0
    samples: int = 0
    succeeded: int = 0
    nanos: float | None = None
    nanos_variance: float | None = None
    seconds: float | None = None
    seconds_variance: float | None = None
    rated: int = 0
    accepted: int = 0


_running: dict[UUID, tuple[float, tuple[ExperimentView, ...]]] = {}


async def experiments(db: Database, tenant_id: UUID) -> list[ExperimentView]:
    """All experiments of a tenant, oldest first."""
    return [_view(row) for row in await db.run(EXPERIMENTS, tenant_id=tenant_id)]


async def experiment(db: Database, tenant_id: UUID, name: str) -> ExperimentView | None:
    """One of them."""
    row = await db.one(EXPERIMENT, tenant_id=tenant_id, name=name)
    return _view(row) if row else None


async def running_experiments(db: Database, tenant_id: UUID) -> tuple[ExperimentView, ...]:
    """Those that take tasks now, oldest first; at most a second old."""
    found = _running.get(tenant_id)
    if found is not None and clock.monotonic() < found[0]:
        return found[1]
    every = await experiments(db, tenant_id)
    fresh = tuple(each for each in every if each.status is ExperimentStatus.RUNNING)
    if len(_running) >= MOST_TENANTS:
        _running.clear()
    _running[tenant_id] = (clock.monotonic() + SECONDS, fresh)
    return fresh


def forget_experiments(tenant_id: UUID) -> None:
    """Read the tenant's experiments anew next time: they were changed by this process."""
    _running.pop(tenant_id, None)


async def arm_outcomes(db: Database, tenant_id: UUID, experiment_id: UUID) -> dict[str, ArmOutcome]:
    """What became of the newest `MOST_SAMPLES` tasks of an experiment, by arm."""
    rows = await db.run(OUTCOMES, id=str(experiment_id), tenant_id=tenant_id, most=MOST_SAMPLES)
    return {row.arm: ArmOutcome(**row._asdict()) for row in rows}


def _view(row: Row) -> ExperimentView:
    return ExperimentView.model_validate(row._asdict())
