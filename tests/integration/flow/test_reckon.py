"""The books: each check finds the breach it is for, nothing else, and what is over stays as it is."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from orchestrator import clock
from orchestrator.flow.reckon import Finding, reckon
from orchestrator.flow.rescue import rescue
from orchestrator.flow.write_off import write_off
from orchestrator.store import views
from orchestrator.store.audit import CHECKS
from orchestrator.store.statements import text
from schemas.errors import Category
from tests.integration.flow.invariants import check
from tests.integration.flow.test_budgets import budget, shown
from tests.integration.flow.world import HOLD, World, answered, failed

LATELY = timedelta(minutes=15)


async def busy(world: World) -> None:
    """An installation with a bit of everything: open, answered, failed, unknown and corrected calls."""
    await budget(world, 100 * HOLD)
    await budget(world, 100 * HOLD, period="day", hard=False)
    for outcome in (answered(nanos=7), failed(), failed(Category.IDLE_TIMEOUT, nanos=None)):
        await world.called(await world.running(), outcome)
    lost = await world.running()
    intent = await world.intend(lost)
    await world.die()
    await rescue(world.parts)
    await world.book(lost, intent, answered(nanos=5))
    world.boot_id = await world.enlist()
    await world.intend(await world.running())


async def tampered(world: World, change: str) -> None:
    """Somebody wrote past the product."""
    async with world.parts.db.transaction() as connection:
        await connection.execute(text("ALTER TABLE ledger DISABLE TRIGGER USER"))
        await connection.execute(text(change))
        await connection.execute(text("ALTER TABLE ledger ENABLE TRIGGER USER"))


def broken(findings: tuple[Finding, ...]) -> dict[str, tuple[int, int]]:
    return {each.check: (each.breaches, each.drift_nanos) for each in findings if each.breaches}


async def test_books_that_agree_have_no_breach(world: World) -> None:
    await busy(world)
    assert [finding.check for finding in await reckon(world.parts, None)] == list(CHECKS)
    assert broken(await reckon(world.parts, None)) == {}
    assert broken(await reckon(world.parts, LATELY)) == {}
    await check(world)


async def test_everything_may_take_longer_to_check_than_a_statement_may(world: World) -> None:
    hurried = replace(world.parts, db=world.parts.db.answering_within(0.5))
    async with world.parts.db.transaction() as connection:
        await connection.execute(text("LOCK TABLE call_charges"))
        checking = asyncio.create_task(reckon(hurried, None))
        await clock.sleep(1)
        assert not checking.done()
    assert broken(await checking) == {}


@pytest.mark.parametrize("since", [None, LATELY], ids=["everything", "lately"])
@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            "UPDATE ledger SET amount_nanos = amount_nanos + 3 WHERE amount_nanos = 7",
            {"ledger_is_the_calls": (1, 3)},
        ),
        (
            "UPDATE calls SET cost_nanos = 11 WHERE cost_nanos = 7",
            {"ledger_is_the_calls": (1, 4), "spent_is_the_charges": (2, 8)},
        ),
        (
            "DELETE FROM ledger WHERE amount_nanos = 7",
            {"ledger_is_the_calls": (1, 7), "one_spend_a_closed_call": (1, 0)},
        ),
        (
            "UPDATE ledger SET kind = 'correction' WHERE amount_nanos = 7",
            {"one_spend_a_closed_call": (1, 0)},
        ),
        (
            (
                "DELETE FROM call_charges USING calls WHERE calls.id = call_id AND cost_nanos = 7;"
                " DELETE FROM calls WHERE cost_nanos = 7"
            ),
            {
                "ledger_is_the_calls": (1, 7),
                "every_entry_has_a_call": (1, 0),
                "spent_is_the_charges": (2, 14),
            },
        ),
        (
            (
                "UPDATE budget_windows SET spent_nanos = spent_nanos - 1"
                " FROM budgets WHERE id = budget_id AND hard"
            ),
            {"spent_is_the_charges": (1, 1)},
        ),
        (
            "UPDATE budget_windows SET held_nanos = held_nanos + 2",
            {"held_is_the_open_calls": (2, 4)},
        ),
        (
            "UPDATE budget_windows SET spent_nanos = -1",
            {"spent_is_the_charges": (2, 2 * (HOLD + 13)), "nothing_is_negative": (2, 2)},
        ),
    ],
)
async def test_a_check_finds_what_was_tampered_with(
    world: World, since: timedelta | None, change: str, found: dict[str, tuple[int, int]]
) -> None:
    await world.called(await world.running())  # the oldest call bounds what is checked
    await busy(world)
    await tampered(world, change)
    findings = await reckon(world.parts, since)
    assert broken(findings) == found
    assert all(finding.examples for finding in findings if finding.breaches)


async def test_what_was_found_is_kept_for_the_metrics(world: World) -> None:
    assert await views.books(world.parts.db) is None
    await busy(world)
    await tampered(world, "UPDATE ledger SET amount_nanos = amount_nanos + 3 WHERE amount_nanos = 7")
    await reckon(world.parts, LATELY, keep=True)
    books = await views.books(world.parts.db)
    assert books is not None
    assert (books.breaches["ledger_is_the_calls"], books.drift_nanos["ledger_is_the_calls"]) == (1, 3)
    assert books.age < 60
    assert books.breaches.keys() == CHECKS.keys()


@pytest.mark.parametrize(
    "change", ["UPDATE ledger SET amount_nanos = 0", "DELETE FROM ledger", "TRUNCATE ledger"]
)
async def test_the_ledger_takes_no_change_and_no_deletion(world: World, change: str) -> None:
    lease = await world.running()
    await world.called(lease, answered(nanos=7))
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
        await world.rows(change)
    assert await world.ledger(lease.task_id) == [("spend", 7)]


async def test_an_unknown_call_is_shown_as_such_with_its_estimate(world: World) -> None:
    lease = await world.running()
    await world.intend(lease)
    await world.die()
    await rescue(world.parts)
    (call,) = await views.calls(world.parts.db, world.tenant_id, lease.task_id)
    assert (call.status, call.estimated, call.cost_nanos, call.price_source) == (
        "unknown",
        True,
        HOLD,
        "hold",
    )


async def test_an_unknown_call_becomes_final_after_the_stated_time_and_never_0(world: World) -> None:
    budget_id = await budget(world, 10 * HOLD)
    lease = await world.running()
    intent = await world.intend(lease)
    await world.die()
    await rescue(world.parts)
    # Given an unknown call that is not old enough yet,
    assert await write_off(world.parts) == 0
    # when its time has passed,
    await world.rows("UPDATE calls SET ended_at = ended_at - interval '25 hours'")
    assert await write_off(world.parts) == 1
    assert await write_off(world.parts) == 0
    # then a late outcome changes nothing any more, and its hold stays charged.
    assert not await world.book(lease, intent, answered(nanos=1))
    call = await world.call(intent.call_id)
    assert (call.status, call.cost_nanos) == ("unknown", HOLD)
    assert await world.ledger(lease.task_id) == [("spend", HOLD)]
    assert (await shown(world, budget_id)).spent_usd == "0.005"
    await check(world)


async def test_writing_off_passes_by_a_call_that_is_being_corrected(world: World) -> None:
    lease = await world.running()
    intent = await world.intend(lease)
    await world.die()
    await rescue(world.parts)
    await world.rows("UPDATE calls SET ended_at = ended_at - interval '25 hours'")
    booking, writing = await world.at_once(
        lease.task_id, [world.book(lease, intent, answered(nanos=1)), both(world)]
    )
    assert booking != bool(writing)
    await check(world)


async def both(world: World) -> bool:
    """Write off while the booking waits for the task; the waiting is counted by the task's lock."""
    done = bool(await write_off(world.parts))
    await world.rows("SELECT 1 FROM tasks FOR NO KEY UPDATE")
    return done


async def test_a_bill_above_its_hold_is_booked_in_full_and_told_and_nothing_new_is_held(world: World) -> None:
    budget_id = await budget(world, 2 * HOLD)
    lease = await world.running()
    await world.called(lease, answered(nanos=3 * HOLD))
    assert "call.hold_exceeded" in await world.events(lease.task_id)
    assert (await shown(world, budget_id)).spent_usd == "0.015"
    other = await world.running(preferences={"on_budget": "wait"})
    assert not hasattr(await world.try_to_intend(other), "call_id")
    assert await world.ledger(lease.task_id) == [("spend", 3 * HOLD)]
    await check(world)
    assert await world.value("SELECT count(*) FROM calls WHERE status = 'started'") == 0


async def test_a_bill_of_its_hold_and_not_more_is_not_told(world: World) -> None:
    lease = await world.running()
    await world.called(lease, answered(nanos=HOLD))
    assert "call.hold_exceeded" not in await world.events(lease.task_id)
    await check(world)
