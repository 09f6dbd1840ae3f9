"""Holds on budgets: taken on all that apply or on none, in the transaction of the call's intent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from orchestrator import clock, telemetry
from orchestrator.store import budgets, views
from orchestrator.store.engine import Connection, Database, Row
from schemas.budgets import BudgetRequest, Period, Scope, nanos_of
from schemas.calls import dollars


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose budgets a call counts against."""

    tenant_id: UUID
    user_id: str | None
    api_key_id: str | None
    session_id: str | None
    provider: str

    def params(self) -> dict[str, Any]:
        """As the statements take it."""
        return {
            "tenant_id": self.tenant_id,
            "user_id": self.user_id,
            "api_key_id": self.api_key_id,
            "session_id": self.session_id,
            "provider": self.provider,
        }


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a hold did not fit. `passing`: it fits once open calls have ended."""

    budget_id: UUID
    scope: Scope
    period: Period
    limit_nanos: int
    spent_nanos: int
    held_nanos: int
    asked_nanos: int

    @property
    def passing(self) -> bool:
        """Whether only the holds of open calls are in the way."""
        return self.spent_nanos + self.asked_nanos <= self.limit_nanos

    @property
    def impossible(self) -> bool:
        """Whether not even an untouched window would do."""
        return self.asked_nanos > self.limit_nanos

    @property
    def message(self) -> str:
        """What to tell the submitter."""
        used = f"${dollars(self.spent_nanos)} spent and ${dollars(self.held_nanos)} held"
        asked = f"this call may cost up to ${dollars(self.asked_nanos)}"
        which = f"{self.scope} budget of ${dollars(self.limit_nanos)} ({self.period})"
        hint = "; a smaller max_tokens asks for less" if self.impossible else ""
        return f"The {which} has {used}, and {asked}{hint}."


async def hold(
    connection: Connection, payer: Payer, call_id: UUID, nanos: int, at: datetime
) -> Refusal | None:
    """Hold `nanos` on every budget that applies, in the windows of `at`; or the first refusal.

    The caller has locked the task, and rolls back on a refusal.
    """
    params = {**payer.params(), "at": at}
    await connection.execute(budgets.MAKE_WINDOWS, params)
    rows = await connection.execute(budgets.LOCK_WINDOWS, params)
    refusal = refused(rows, nanos)
    if refusal is None and rows:
        held = {"budgets": [row.id for row in rows], "starts": [row.starts for row in rows]}
        await connection.execute(budgets.HOLD, {**held, "call_id": call_id, "nanos": nanos})
    return refusal


async def add_budget(db: Database, tenant_id: UUID, asked: BudgetRequest) -> UUID:
    """Make a budget, or give the living one of the same kind a new limit; its id."""
    row = await db.one(
        budgets.ADD,
        id=clock.new_id(),
        tenant_id=tenant_id,
        scope=asked.scope,
        subject=asked.subject,
        period=asked.period,
        limit_nanos=nanos_of(asked.limit_usd),
        hard=asked.hard,
    )
    views.forget_budgets(tenant_id)
    return UUID(str(row.id)) if row else UUID(int=0)


async def drop_budget(db: Database, tenant_id: UUID, budget_id: UUID) -> bool:
    """Drop a living budget; False if there is none of this id."""
    return await db.one(budgets.DROP, id=budget_id, tenant_id=tenant_id) is not None


async def exhausted(db: Database, payer: Payer, providers: Sequence[str]) -> Refusal | None:
    """A used-up hard budget that leaves none of these providers to the payer, if there is one.

    No query for a tenant that has no hard budget.
    """
    if not await views.has_hard_budget(db, payer.tenant_id):
        return None
    rows = await db.run(budgets.EXHAUSTED, **{**payer.params(), "providers": list(providers)})
    left = set(providers)
    for row in rows:
        left -= {row.subject} if row.scope == Scope.PROVIDER else left
        if not left:
            return _refusal(row, 1)
    return None


def refused(rows: Sequence[Row] | Sequence[Mapping[str, Any]], nanos: int) -> Refusal | None:
    """The first hard budget that `nanos` more would overrun; the worst kind of refusal first. Pure."""
    over = [
        _refusal(row, nanos)
        for row in rows
        if row.hard and row.spent_nanos + row.held_nanos + nanos > row.limit_nanos  # type: ignore[union-attr]
    ]
    over.sort(key=lambda refusal: (not refusal.impossible, refusal.passing))
    return over[0] if over else None


def _refusal(row: Any, nanos: int) -> Refusal:
    return Refusal(
        budget_id=row.id,
        scope=Scope(row.scope),
        period=Period(row.period),
        limit_nanos=row.limit_nanos,
        spent_nanos=row.spent_nanos,
        held_nanos=row.held_nanos,
        asked_nanos=nanos,
    )


async def affordable(db: Database, most: int) -> list[UUID]:
    """The oldest tasks waiting for budget that fit now, each counted against what the next may use."""
    granted: dict[UUID, int] = {}
    fitting = []
    levels: dict[Payer, Sequence[Row]] = {}
    for waiter in await db.run(budgets.WAITERS, most=most):
        payer = Payer(waiter.tenant_id, waiter.user_id, waiter.api_key_id, waiter.session_id, waiter.provider)
        if payer not in levels:
            levels[payer] = await db.run(budgets.LEVELS, **payer.params())
        asked = waiter.waits_for_nanos or 0
        if all(_room(row) - granted.get(row.id, 0) >= asked for row in levels[payer]):
            fitting.append(waiter.id)
            for row in levels[payer]:
                granted[row.id] = granted.get(row.id, 0) + asked
    return fitting


async def let_go(db: Database, task_ids: Sequence[UUID]) -> None:
    """End the wait of these tasks."""
    if task_ids:
        await db.run(budgets.WAKE, ids=list(task_ids))


def tell_crossed(rows: Sequence[Row]) -> None:
    """Tell of the thresholds that a statement was the first to cross; each of its rows carries them all."""
    for crossed in rows[0].crossed if rows else ():
        telemetry.THRESHOLDS.labels(crossed["threshold"]).inc()
        telemetry.warn("budget.threshold", **crossed)


def _room(row: Row) -> int:
    return int(row.limit_nanos - row.spent_nanos - row.held_nanos)
