"""Repricing: what past calls cost at today's prices, booked once as corrections, in the windows of then."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from orchestrator import clock, telemetry
from orchestrator.catalogue import prices
from orchestrator.flow.reckon import reckon
from orchestrator.flow.reprice import Repriced, reprice
from schemas.calls import Cost, Usage
from schemas.providers import Vendor
from tests.integration.flow.invariants import check
from tests.integration.flow.test_budgets import budget, shown
from tests.integration.flow.world import World, answered, failed

MODEL = "gpt-4.1-mini"
USAGE = Usage(input_tokens=1000, cached_tokens=400, output_tokens=100)


def right() -> int:
    return prices.cost(Vendor.OPENAI, MODEL, None, USAGE, clock.now()).nanos


async def called(world: World, nanos: int) -> UUID:
    """A call that was booked at `nanos`, whatever it should have cost."""
    lease = await world.running()
    await world.called(lease, replace(answered(nanos=nanos), usage=USAGE, served_model=MODEL))
    return lease.task_id


def around() -> tuple[datetime, datetime]:
    return clock.now() - timedelta(hours=1), clock.now() + timedelta(hours=1)


async def test_a_dry_run_shows_the_differences_and_books_nothing(world: World) -> None:
    task_id = await called(world, 1)
    await called(world, right())
    (model,) = await reprice(world.parts, *around(), dry_run=True)
    assert model == Repriced("openai", MODEL, 2, 1, 1 + right(), 2 * right())
    assert await world.ledger(task_id) == [("spend", 1)]


async def test_a_correction_is_booked_once_and_moves_the_window_of_the_call(world: World) -> None:
    budget_id = await budget(world, 10**9)
    task_id = await called(world, 1)
    for _ in range(2):
        await reprice(world.parts, *around(), dry_run=False)
    assert await world.ledger(task_id) == [("spend", 1), ("correction", right() - 1)]
    assert (await shown(world, budget_id)).spent_usd.rstrip("0") == f"0.{right():09d}".rstrip("0")
    (call,) = await world.rows("SELECT * FROM calls")
    assert (call.cost_nanos, call.price_source) == (right(), "genai-prices")
    assert not [finding for finding in await reckon(world.parts, None) if finding.breaches]


async def test_repricing_twice_at_once_books_one_correction(world: World) -> None:
    tasks = [await called(world, 1) for _ in range(3)]
    start, end = around()
    await world.at_once(tasks[0], [locked(world, tasks[0], start, end), locked(world, tasks[0], start, end)])
    assert await world.value("SELECT count(*) FROM ledger WHERE kind = 'correction'") == 3
    await check_but_holds(world)


async def locked(world: World, task_id: UUID, start: datetime, end: datetime) -> None:
    await world.rows("SELECT 1 FROM tasks WHERE id = :id FOR NO KEY UPDATE", id=task_id)
    await reprice(world.parts, start, end, dry_run=False)


async def check_but_holds(world: World) -> None:
    assert not [finding for finding in await reckon(world.parts, None) if finding.breaches]


async def test_calls_charged_at_their_hold_or_made_at_another_time_are_left_alone(world: World) -> None:
    lease = await world.running()
    await world.called(lease, failed(nanos=None))
    await world.intend(await world.running())
    assert await reprice(world.parts, *around(), dry_run=False) == ()
    await called(world, 1)
    start, _ = around()
    assert await reprice(world.parts, start - timedelta(days=3), start, dry_run=False) == ()
    await check(world)


async def test_more_calls_than_a_batch_are_all_repriced(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.flow.reprice.BATCH", 2)
    lease = await world.running()
    for _ in range(5):
        await world.called(lease, replace(answered(nanos=1), usage=USAGE, served_model=MODEL))
    (model,) = await reprice(world.parts, *around(), dry_run=False)
    assert (model.calls, model.changed, model.after_nanos) == (5, 5, 5 * right())


@pytest.mark.parametrize("source", ["vendor", "adapter", "ai_credits"])
async def test_what_a_vendor_or_an_adapter_said_it_charged_is_left_alone(world: World, source: str) -> None:
    told = Cost(nanos=7, source=source, version="1")
    lease = await world.running()
    await world.called(lease, replace(answered(), usage=USAGE, served_model=MODEL, cost=told))
    assert await reprice(world.parts, *around(), dry_run=False) == ()


async def test_cache_writes_that_are_kept_for_an_hour_keep_their_price(world: World) -> None:
    model, now = "claude-sonnet-4-6", clock.now()
    usage = Usage(input_tokens=300, cache_write_tokens=200, cache_write_1h_tokens=50, output_tokens=10)
    raw = {"input_tokens": 100, "cache_creation": {"ephemeral_1h_input_tokens": 50}}
    exact = prices.cost(Vendor.ANTHROPIC, model, None, usage, now)
    odd = {"cache_creation": {"ephemeral_1h_input_tokens": "many"}}
    for told in (raw, odd):
        lease = await world.running()
        await world.called(
            lease, replace(answered(), usage=usage, raw_usage=told, served_model=model, cost=exact)
        )
    await world.rows("UPDATE calls SET vendor = 'anthropic'")
    (found,) = await reprice(world.parts, *around(), dry_run=True)
    assert (found.calls, found.changed) == (2, 1)


async def test_a_threshold_that_a_correction_crosses_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    await budget(world, right(), hard=False)
    await called(world, 1)
    monkeypatch.setattr(telemetry, "warn", lambda event, **data: told.append(data["threshold"]))
    await reprice(world.parts, *around(), dry_run=False)
    assert told == [50, 80, 100]
