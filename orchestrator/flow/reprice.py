"""Reprice: what past calls cost at the prices this release knows, and the corrections that follow.

From the usage and the served model and tier that each call stored. Calls charged at their hold told
of no usage and stay as they are. A batch is one transaction; a second run finds nothing left to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from orchestrator.catalogue import prices
from orchestrator.limits.budgets import tell_crossed
from orchestrator.store import partitions, repricing
from orchestrator.store.engine import Row
from orchestrator.wiring import Parts
from schemas.calls import Cost, Usage
from schemas.providers import Vendor

BATCH: Final = 200
SKEW: Final = timedelta(days=1)
"""How far a call's id may be from the time it was made at."""


@dataclass(frozen=True, slots=True)
class Repriced:
    """The calls of a model: how many there are, how many cost something else now, and both sums."""

    vendor: str
    model: str
    calls: int
    changed: int
    before_nanos: int
    after_nanos: int


async def reprice(parts: Parts, start: datetime, end: datetime, *, dry_run: bool) -> tuple[Repriced, ...]:
    """Differences by model of the calls made from `start` until before `end`; booked unless `dry_run`."""
    models: dict[tuple[str, str], Repriced] = {}
    after, before = partitions.lowest_id(start - SKEW), partitions.lowest_id(end + SKEW)
    while True:
        asked = {"start": start, "end": end, "after": after, "before": before, "most": BATCH}
        rows = await parts.db.run(repricing.PRICED, **asked)
        if not rows:
            return tuple(sorted(models.values(), key=lambda each: (each.vendor, each.model)))
        costs = [_cost(row) for row in rows]
        booked = set() if dry_run else await _book(parts, rows, costs)
        for row, cost in zip(rows, costs, strict=True):
            changed = cost.nanos != row.cost_nanos and (dry_run or row.id in booked)
            _count(models, row, cost.nanos if changed else row.cost_nanos)
        after = rows[-1].id


def _cost(row: Row) -> Cost:
    usage = Usage(
        input_tokens=row.input_tokens,
        cached_tokens=row.cached_tokens or 0,
        cache_write_tokens=row.cache_write_tokens or 0,
        cache_write_1h_tokens=row.cache_write_1h_tokens or 0,
        output_tokens=row.output_tokens or 0,
        reasoning_tokens=row.reasoning_tokens or 0,
    )
    return prices.cost(Vendor(row.vendor), row.model, row.served_tier, usage, row.ended_at)


async def _book(parts: Parts, rows: Sequence[Row], costs: Sequence[Cost]) -> set[UUID]:
    changed = [(row, cost) for row, cost in zip(rows, costs, strict=True) if cost.nanos != row.cost_nanos]
    if not changed:
        return set()
    booked = await parts.db.run(
        repricing.CORRECT,
        ids=[row.id for row, _ in changed],
        was=[row.cost_nanos for row, _ in changed],
        costs=[cost.nanos for _, cost in changed],
        estimates=[cost.estimated for _, cost in changed],
        sources=[cost.source for _, cost in changed],
        versions=[cost.version for _, cost in changed],
    )
    tell_crossed(booked)
    return {row.id for row in booked}


def _count(models: dict[tuple[str, str], Repriced], row: Row, nanos: int) -> None:
    key = (row.vendor, row.model)
    so_far = models.get(key, Repriced(row.vendor, row.model, 0, 0, 0, 0))
    models[key] = replace(
        so_far,
        calls=so_far.calls + 1,
        changed=so_far.changed + (nanos != row.cost_nanos),
        before_nanos=so_far.before_nanos + row.cost_nanos,
        after_nanos=so_far.after_nanos + nanos,
    )
