"""Budgets: held with the intent, charged once, never overrun at any commit, released and waited for."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from orchestrator import clock, telemetry
from orchestrator.flow.intend import Intent, Refused
from orchestrator.flow.rescue import rescue
from orchestrator.flow.retry import retry
from orchestrator.flow.settle import Ending, settle
from orchestrator.flow.submit import submit
from orchestrator.flow.wake import wake
from orchestrator.limits.budgets import add_budget, drop_budget
from orchestrator.store import views
from schemas.budgets import Budget, BudgetRequest, nanos_of
from schemas.errors import BudgetExhausted, Category, Failure
from tests.integration.flow.world import HOLD, World, answered, failed, request
from workers.call import refused as what_follows

CENT = 10_000_000


async def budget(world: World, limit: int, **fields: object) -> UUID:
    """A hard budget of the tenant, or what `fields` say, in nano-dollars."""
    usd = f"{limit // 10**9}.{limit % 10**9:09d}"
    given = {"scope": "tenant", "period": "total", "limit_usd": usd} | fields
    return await add_budget(world.parts.db, world.tenant_id, BudgetRequest.model_validate(given))


async def shown(world: World, budget_id: UUID) -> Budget:
    """The budget as its owner sees it."""
    found = await views.budget(world.parts.db, world.tenant_id, budget_id)
    assert found is not None
    return found


async def test_a_hold_becomes_the_spend_of_the_call(world: World) -> None:
    budget_id = await budget(world, 10 * HOLD)
    lease = await world.running()
    intent = await world.intend(lease)
    held = await shown(world, budget_id)
    assert (nanos_of(held.held_usd), nanos_of(held.spent_usd)) == (HOLD, 0)
    await world.book(lease, intent, answered(nanos=1_234_567))
    spent = await shown(world, budget_id)
    assert (nanos_of(spent.held_usd), nanos_of(spent.spent_usd)) == (0, 1_234_567)


async def test_a_refused_hold_writes_nothing_at_all(world: World) -> None:
    await budget(world, 10 * HOLD)
    narrow = await budget(world, HOLD - 1, scope="session", subject="s-1")
    lease = await world.running(session_id="s-1")
    refused = await world.try_to_intend(lease)
    assert isinstance(refused, Refused)
    assert (refused.refusal.budget_id, refused.refusal.impossible) == (narrow, True)
    assert await world.value("SELECT count(*) FROM calls") == 0
    assert await world.value("SELECT coalesce(sum(held_nanos), 0) FROM budget_windows") == 0
    assert "call.started" not in await world.events(lease.task_id)


@pytest.mark.parametrize(
    ("scope", "subject", "fits"),
    [
        ("user", "ada", {"user_id": "ada"}),
        ("session", "s-1", {"session_id": "s-1"}),
        ("provider", "alpha", {}),
    ],
)
async def test_a_budget_binds_only_its_subject(
    world: World, scope: str, subject: str, fits: dict[str, str]
) -> None:
    await budget(world, HOLD - 1, scope=scope, subject=subject)
    assert isinstance(await world.try_to_intend(await world.running(**fits)), Refused)
    if fits:
        assert isinstance(await world.try_to_intend(await world.running()), Intent)


async def test_many_intents_at_once_never_overrun_a_budget_at_any_commit(world: World) -> None:
    budget_id = await budget(world, 10 * HOLD + HOLD // 2)
    await world.rows(
        """CREATE OR REPLACE FUNCTION never_over() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF NEW.spent_nanos + NEW.held_nanos >
              (SELECT limit_nanos FROM budgets WHERE id = NEW.budget_id) THEN
              RAISE 'overspent'; END IF; RETURN NEW; END $$"""
    )
    await world.rows("DROP TRIGGER IF EXISTS never_over ON budget_windows")
    await world.rows(
        "CREATE CONSTRAINT TRIGGER never_over AFTER INSERT OR UPDATE ON budget_windows"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION never_over()"
    )
    leases = [await world.running() for _ in range(40)]
    made = await asyncio.gather(*(world.try_to_intend(lease) for lease in leases))
    assert sum(isinstance(one, Intent) for one in made) == 10
    assert all(one.refusal.passing for one in made if isinstance(one, Refused))
    assert nanos_of((await shown(world, budget_id)).held_usd) == 10 * HOLD
    await world.rows("DROP TRIGGER never_over ON budget_windows")


async def test_a_failed_call_gives_its_hold_back(world: World) -> None:
    budget_id = await budget(world, HOLD)
    lease = await world.running()
    await world.called(lease, failed(Category.SERVER_ERROR))
    after = await shown(world, budget_id)
    assert (after.held_usd, after.spent_usd) == ("0.00", "0.00")


async def test_an_unknown_call_is_charged_at_its_hold_and_corrected_later(world: World) -> None:
    budget_id = await budget(world, 10 * HOLD)
    lease = await world.running()
    intent = await world.intend(lease)
    await world.die()
    await rescue(world.parts)
    unknown = await shown(world, budget_id)
    assert (nanos_of(unknown.held_usd), nanos_of(unknown.spent_usd)) == (0, HOLD)
    await world.book(lease, intent, answered(nanos=7))
    corrected = await shown(world, budget_id)
    assert (nanos_of(corrected.held_usd), nanos_of(corrected.spent_usd)) == (0, 7)


async def test_submit_refuses_when_a_hard_budget_is_used_up_and_stores_nothing(world: World) -> None:
    await budget(world, HOLD)
    lease = await world.running()
    await world.called(lease, answered(nanos=HOLD))
    before = await world.value("SELECT count(*) FROM tasks")
    with pytest.raises(BudgetExhausted):
        await world.submit()
    assert await world.value("SELECT count(*) FROM tasks") == before
    waiting = await world.submit(preferences={"on_budget": "wait"})
    assert await world.status(waiting) == "queued"


async def test_a_soft_budget_refuses_nothing_and_tells_each_threshold_once(world: World) -> None:
    await budget(world, 2 * HOLD, hard=False)
    lease = await world.running()
    for nanos in (HOLD, HOLD, HOLD):
        await world.called(lease, answered(nanos=nanos))
    rows = await world.rows("SELECT threshold FROM budget_alerts ORDER BY threshold")
    assert [row.threshold for row in rows] == [50, 80, 100]


async def test_a_waiter_is_woken_when_a_hold_is_released_oldest_first(world: World) -> None:
    await budget(world, HOLD)
    holder = await world.running()
    intent = await world.intend(holder)
    waiters = [await world.running(), await world.running()]
    for lease in waiters:
        refused = await world.try_to_intend(lease)
        assert isinstance(refused, Refused)
        failure = Failure(
            category=Category.BUDGET_HELD, message=refused.refusal.message, retry_after=600, asked_nanos=HOLD
        )
        assert await settle(world.parts, lease, Ending(None, failure=failure)) == "queued"
    await wake(world.parts, ghosts_older_than=60)
    reasons = [(await world.task(lease.task_id)).status_reason for lease in waiters]
    assert reasons == ["waiting_for_budget", "waiting_for_budget"]
    await world.book(holder, intent, failed(Category.SERVER_ERROR))
    await wake(world.parts, ghosts_older_than=60)
    reasons = [(await world.task(lease.task_id)).status_reason for lease in waiters]
    assert reasons == ["waiting_for_worker", "waiting_for_budget"]


async def test_a_dropped_budget_limits_nothing_any_more(world: World) -> None:
    budget_id = await budget(world, HOLD - 1)
    assert await drop_budget(world.parts.db, world.tenant_id, budget_id)
    assert not await drop_budget(world.parts.db, world.tenant_id, budget_id)
    assert isinstance(await world.try_to_intend(await world.running()), Intent)


async def test_a_window_belongs_to_the_intents_time(world: World) -> None:
    budget_id = await budget(world, 10 * HOLD, period="day")
    lease = await world.running()
    intent = await world.intend(lease)
    # Given that the hold was taken yesterday, just before midnight,
    await world.rows("UPDATE budget_windows SET starts = starts - interval '1 day'")
    await world.rows("UPDATE call_charges SET starts = starts - interval '1 day'")
    # when its outcome comes today,
    await world.book(lease, intent, answered(nanos=5))
    # then yesterday is charged, and today has spent nothing.
    rows = await world.rows("SELECT spent_nanos, held_nanos FROM budget_windows ORDER BY starts")
    assert [(row.spent_nanos, row.held_nanos) for row in rows] == [(5, 0)]
    assert (await shown(world, budget_id)).spent_usd == "0.00"


async def test_each_threshold_is_told_once_also_by_a_call_that_ended_unknown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(telemetry, "warn", lambda event, **data: told.append(data["threshold"]))
    await budget(world, 2 * HOLD, hard=False)
    lease = await world.running()
    await world.called(lease, answered(nanos=HOLD))
    assert told == [50]
    await world.intend(lease)
    await world.die()
    await rescue(world.parts)
    assert told == [50, 80, 100]


async def test_a_tenant_without_a_hard_budget_pays_no_query_for_it_at_submit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.submit()
    asked: list[object] = []
    run = world.parts.db.run

    async def counted(statement: Any, **params: object) -> Any:
        asked.append(statement)
        return await run(statement, **params)

    monkeypatch.setattr(world.parts.db, "run", counted)
    await world.submit()
    assert len(asked) == 1


async def test_a_provider_whose_budget_is_used_up_leaves_the_others(world: World) -> None:
    await budget(world, HOLD, scope="provider", subject="alpha")
    lease = await world.running()
    await world.called(lease, answered(nanos=HOLD))
    await world.submit()
    with pytest.raises(BudgetExhausted):
        await world.submit(preferences={"providers": ["alpha"]})
    await budget(world, HOLD, scope="provider", subject="beta")
    await world.rows(
        "INSERT INTO budget_windows (budget_id, starts, spent_nanos)"
        " SELECT id, 'epoch', limit_nanos FROM budgets WHERE subject = 'beta'"
    )
    with pytest.raises(BudgetExhausted):
        await world.submit()


async def test_a_budget_of_a_key_binds_what_the_key_submits_or_retries(world: World) -> None:
    await budget(world, HOLD - 1, scope="key", subject="key-1")
    mine = (await submit(world.parts, world.tenant_id, request(), api_key_id="key-1")).id
    lease = await world.take(mine)
    assert isinstance(await world.try_to_intend(lease), Refused)
    await world.fail(lease, Category.BAD_REQUEST)
    for key, found in (("key-1", Refused), ("key-2", Intent)):
        again = (await retry(world.parts, world.tenant_id, mine, api_key_id=key)).id
        assert isinstance(await world.try_to_intend(await world.take(again)), found)


async def test_which_window_is_used_up_is_told_by_the_databases_clock(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await budget(world, HOLD, period="day")
    await world.called(await world.running(), answered(nanos=HOLD))
    lease = await world.running(preferences={"on_budget": "wait"})
    await world.fail(lease, Category.BUDGET_HELD, retry_after=600, asked_nanos=HOLD)
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(days=1))
    with pytest.raises(BudgetExhausted):
        await world.submit()
    await wake(world.parts, ghosts_older_than=60)
    assert (await world.task(lease.task_id)).status_reason == "waiting_for_budget"


async def test_who_waits_for_budget_leaves_a_provider_whose_own_is_used_up_first(world: World) -> None:
    await budget(world, HOLD, scope="provider", subject="alpha")
    await world.called(await world.running(), answered(nanos=HOLD))
    lease = await world.running(preferences={"on_budget": "wait"})
    told = await world.try_to_intend(lease)
    assert isinstance(told, Refused)
    await settle(world.parts, lease, Ending(None, failure=what_follows(lease, told.refusal)))
    elsewhere = await world.take(lease.task_id)
    assert elsewhere.provider.name == "beta"
    await budget(world, HOLD - 1, scope="provider", subject="beta")
    assert isinstance(await world.try_to_intend(elsewhere), Refused)
