"""Monthly fees: in the ledger once a month, whoever books them and how often, and in nobody's budget."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg.errors import CheckViolation

from orchestrator import clock
from orchestrator.flow.book_fees import book_fees
from orchestrator.flow.provide import provide
from orchestrator.flow.reckon import reckon
from orchestrator.flow.reconfigure import reconfigure
from orchestrator.flow.withdraw import withdraw
from orchestrator.store import views
from orchestrator.store.engine import Duplicate
from schemas.configured import ProviderPatch, ProviderRequest
from tests.integration.flow.invariants import check
from tests.integration.flow.test_budgets import budget, shown
from tests.integration.flow.test_reckon import broken
from tests.integration.flow.world import World, opened

FEE = 19_500_000_000
PLAN = {
    "name": "plan",
    "base_url": "https://api.example.org/v1",
    "options": {"monthly_fee_usd": "19.50"},
}


async def paid_monthly(world: World, since: datetime | None = None, **fields: Any) -> None:
    """A provider with a monthly fee, declared `since` a time."""
    await provide(world.parts, world.tenant_id, ProviderRequest.model_validate({**PLAN, **fields}), "m")
    if since is not None:
        await world.rows("UPDATE providers SET fee_since = :since WHERE name = 'plan'", since=since)


async def booked(world: World) -> list[tuple[str, str, int]]:
    rows = await world.rows(
        "SELECT provider, month, amount_nanos FROM ledger WHERE kind = 'fee' ORDER BY month"
    )
    return [(row.provider, f"{row.month:%Y-%m-%d}", row.amount_nanos) for row in rows]


async def test_a_fee_is_booked_once_a_month_across_midnight(world: World) -> None:
    await paid_monthly(world, datetime(2026, 10, 31, 23, 59, 58, tzinfo=UTC))
    before, after = (datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=by) for by in (-1, 0))
    assert [await book_fees(world.parts, at) for at in (before, before, after, after)] == [1, 0, 1, 0]
    assert await booked(world) == [("plan", "2026-10-01", FEE), ("plan", "2026-11-01", FEE)]


async def test_dispatchers_at_once_book_one_fee(world: World) -> None:
    await paid_monthly(world)
    async with opened(world.parts.config) as other:
        counts = await asyncio.gather(*(book_fees(each) for each in (world.parts, other) * 4))
    assert sum(counts) == 1
    assert len(await booked(world)) == 1


async def test_months_without_a_dispatcher_are_made_up_for(world: World) -> None:
    await paid_monthly(world, datetime(2026, 1, 15, tzinfo=UTC))
    assert await book_fees(world.parts, datetime(2026, 4, 2, tzinfo=UTC)) == 4
    assert [month for _, month, _ in await booked(world)] == [f"2026-0{month}-01" for month in (1, 2, 3, 4)]


async def test_the_ledger_itself_takes_no_second_fee_and_no_entry_of_nothing(world: World) -> None:
    await paid_monthly(world)
    await book_fees(world.parts)
    again = "INSERT INTO ledger (tenant_id, kind, amount_nanos, provider, month) SELECT tenant_id, kind, 1,"
    with pytest.raises(Duplicate):
        await world.rows(f"{again} provider, month FROM ledger RETURNING id")
    with pytest.raises(CheckViolation):
        await world.rows(f"{again} provider, NULL FROM ledger RETURNING id")


async def test_a_provider_made_again_or_changed_within_the_month_is_the_same_account(world: World) -> None:
    await paid_monthly(world)
    await book_fees(world.parts)
    await withdraw(world.parts, world.tenant_id, "plan")
    await paid_monthly(world)
    dearer = ProviderPatch.model_validate({"options": {"monthly_fee_usd": 30}})
    await reconfigure(world.parts, world.tenant_id, "plan", dearer)
    assert await book_fees(world.parts) == 0
    await reconfigure(world.parts, world.tenant_id, "plan", ProviderPatch.model_validate({"options": {}}))
    assert await book_fees(world.parts, clock.now() + timedelta(days=40)) == 0
    assert len(await booked(world)) == 1


async def test_a_removed_provider_costs_nothing_more(world: World) -> None:
    await paid_monthly(world)
    await withdraw(world.parts, world.tenant_id, "plan")
    assert await book_fees(world.parts) == 0


async def test_a_fee_binds_no_budget_and_leaves_the_books_in_order(world: World) -> None:
    budget_id = await budget(world, 10**9)
    await paid_monthly(world, paused=True)
    await world.called(await world.running())
    spent = (await shown(world, budget_id)).spent_usd
    await book_fees(world.parts)
    assert (await shown(world, budget_id)).spent_usd == spent
    assert broken(await reckon(world.parts, None)) == {}
    await check(world)


async def test_a_fee_that_nobody_books_is_found(world: World) -> None:
    await paid_monthly(world)
    assert broken(await reckon(world.parts, None)) == {}
    await world.rows("UPDATE providers SET fee_since = fee_since - interval '2 hours' WHERE name = 'plan'")
    found = broken(await reckon(world.parts, timedelta(minutes=15)))
    assert found["every_fee_is_booked"][1] >= FEE
    await book_fees(world.parts)
    assert broken(await reckon(world.parts, None)) == {}


async def test_the_usage_of_a_provider_tells_its_fees_beside_its_calls(world: World) -> None:
    await paid_monthly(world)
    await book_fees(world.parts)
    around = clock.now() - timedelta(hours=1), clock.now() + timedelta(hours=1)
    used = await views.usage(world.parts.db, world.tenant_id, "plan", *around)
    assert used is not None
    assert (used.fees_usd, used.cost_usd, used.calls) == ("19.50", "0.00", 0)
