"""What the dispatcher's last reckoning found: for operators' gauges only."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.store.engine import Database
from orchestrator.store.statements import text

LAST = text(
    """
    SELECT extract(epoch FROM clock_timestamp() - at)::float8 AS age, findings FROM reckonings
    """
)


@dataclass(frozen=True, slots=True)
class Books:
    """Breaches and drift in nano-dollars by check, and how long ago they were looked for; seconds."""

    age: float
    breaches: Mapping[str, int]
    drift_nanos: Mapping[str, int]


async def books(db: Database) -> Books | None:
    """The last reckoning; None before the first one."""
    row = await db.one(LAST)
    if row is None:
        return None
    return Books(
        age=row.age,
        breaches={check: found["breaches"] for check, found in row.findings.items()},
        drift_nanos={check: found["drift_nanos"] for check, found in row.findings.items()},
    )
