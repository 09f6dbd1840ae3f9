"""Budgets with what their current windows have used."""

from typing import Final
from uuid import UUID

from orchestrator import clock
from orchestrator.store.budgets import STARTS_NOW
from orchestrator.store.engine import Database, Row
from orchestrator.store.statements import text
from schemas.budgets import Budget
from schemas.calls import dollars

_SELECT: Final = f"""
    WITH mine AS (
        SELECT *, {STARTS_NOW} AS starts
        FROM budgets WHERE tenant_id = :tenant_id AND deleted_at IS NULL {{which}}
    )
    SELECT mine.id, scope, subject, period, hard, limit_nanos, created_at,
        coalesce(spent_nanos, 0) AS spent_nanos, coalesce(held_nanos, 0) AS held_nanos,
        CASE WHEN period <> 'total' THEN mine.starts END AS window_starts,
        CASE period WHEN 'day' THEN mine.starts + interval '1 day'
            WHEN 'month' THEN mine.starts + interval '1 month' END AS window_ends
    FROM mine LEFT JOIN budget_windows AS w ON w.budget_id = mine.id AND w.starts = mine.starts
    ORDER BY mine.id
    """

SECONDS: Final = 1.0
MOST_TENANTS: Final = 10_000

ANY_HARD = text("SELECT id FROM budgets WHERE tenant_id = :tenant_id AND hard AND deleted_at IS NULL LIMIT 1")

_remembered: dict[UUID, tuple[float, bool]] = {}

BUDGETS = text(_SELECT.format(which=""))
BUDGET = text(_SELECT.format(which="AND id = :id"))


async def budgets(db: Database, tenant_id: UUID) -> list[Budget]:
    """All living budgets of a tenant, oldest first."""
    return [_budget(row) for row in await db.run(BUDGETS, tenant_id=tenant_id)]


async def budget(db: Database, tenant_id: UUID, budget_id: UUID) -> Budget | None:
    """One living budget of a tenant."""
    row = await db.one(BUDGET, tenant_id=tenant_id, id=budget_id)
    return _budget(row) if row else None


async def has_hard_budget(db: Database, tenant_id: UUID) -> bool:
    """Whether a tenant has any; at most a second old: submit asks each time, most tenants have none."""
    found = _remembered.get(tenant_id)
    if found is not None and clock.monotonic() < found[0]:
        return found[1]
    has = await db.one(ANY_HARD, tenant_id=tenant_id) is not None
    if len(_remembered) >= MOST_TENANTS:
        _remembered.clear()
    _remembered[tenant_id] = (clock.monotonic() + SECONDS, has)
    return has


def forget_budgets(tenant_id: UUID) -> None:
    """Look anew next time: this process has changed them."""
    _remembered.pop(tenant_id, None)


def _budget(row: Row) -> Budget:
    remaining = row.limit_nanos - row.spent_nanos - row.held_nanos
    return Budget(
        id=row.id,
        scope=row.scope,
        subject=row.subject,
        period=row.period,
        hard=row.hard,
        limit_usd=dollars(row.limit_nanos),
        spent_usd=dollars(row.spent_nanos),
        held_usd=dollars(row.held_nanos),
        remaining_usd=dollars(max(0, remaining)),
        window_starts=row.window_starts,
        window_ends=row.window_ends,
        created_at=row.created_at,
    )
