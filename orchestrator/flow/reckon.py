"""Reckon: hold the ledger, the calls and the budgets' windows against each other.

The dispatcher checks what lately changed, within bounds, and keeps what it found for the metrics; a
person may check everything.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import orjson

from orchestrator import clock, telemetry
from orchestrator.store import audit, partitions
from orchestrator.store.engine import Connection
from orchestrator.store.statements import Statement
from orchestrator.wiring import Parts

MOST_CHARGES: Final = 20_000
"""A window with more calls than this is summed up only where everything is checked."""

SKEW: Final = timedelta(hours=3)
"""How far the clocks may be apart that calls get their ids from."""

WHOLE_SECONDS: Final = 3600.0
"""How long everything may take to check: as long as the books are long, but not for ever."""

_EVER: Final = 4e9


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: breaches, the nano-dollars they come to, and a few of them."""

    check: str
    breaches: int
    drift_nanos: int
    examples: tuple[str, ...]


async def reckon(parts: Parts, since: timedelta | None, *, keep: bool = False) -> tuple[Finding, ...]:
    """One finding for each check, over what changed in the last `since`; None: over everything."""
    findings = await (_whole(parts) if since is None else _recent(parts, since))
    for finding in findings:
        if finding.breaches:
            telemetry.warn("ledger.drift", **asdict(finding))
    if keep:
        told = {each.check: {"breaches": each.breaches, "drift_nanos": each.drift_nanos} for each in findings}
        await parts.db.run(audit.KEEP, findings=orjson.dumps(told).decode())
    return findings


async def _recent(parts: Parts, since: timedelta) -> tuple[Finding, ...]:
    params = {
        "from_id": partitions.lowest_id(clock.now() - since - SKEW),
        "seconds": since.total_seconds(),
        "whole": False,
        "most": MOST_CHARGES,
    }
    async with parts.db.transaction() as connection:
        await connection.execute(audit.FOR_THESE_TIMES)
        return await _each(connection, params)


async def _whole(parts: Parts) -> tuple[Finding, ...]:
    async with parts.db.answering_within(WHOLE_SECONDS).transaction() as connection:
        await connection.execute(audit.FOR_THESE_TIMES)
        await connection.execute(audit.WITHOUT_LIMIT)
        return await _each(connection, {"from_id": UUID(int=0), "seconds": _EVER, "whole": True, "most": 0})


async def _each(connection: Connection, params: Mapping[str, Any]) -> tuple[Finding, ...]:
    findings = []
    for name, statement in audit.CHECKS.items():
        row = (await connection.execute(statement, _needed(statement, params))).one()
        findings.append(_finding(name, row))
    return tuple(findings)


def _needed(statement: Statement, params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: params[name] for name in statement.names}


def _finding(name: str, row: Any) -> Finding:
    return Finding(name, row.breaches, row.drift_nanos, tuple(row.examples or ()))
