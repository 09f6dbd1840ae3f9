"""The checker bites: every kind of breach, made by hand in a good history, is reported by its name."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.chaos.checker import Expected, check, expected_calls, extra_calls
from tests.chaos.records import (
    Budget,
    Call,
    Charge,
    Entry,
    Event,
    History,
    Received,
    Submission,
    Task,
    Trip,
    Window,
)

TASK, FIRST, REPAIR, OTHER = (UUID(int=number) for number in range(1, 5))
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
NAMES = ("task.queued", "task.dispatched", "task.started", "call.started", "call.answered", "task.succeeded")


def good() -> History:
    """One task with a refused first answer and a repair."""
    first = Call(FIRST, TASK, "first", "answered", "rejected", 700, False, 200, NOW)
    return History(
        submissions=(Submission("key", TASK),),
        tasks=(Task(TASK, "succeeded", 1, 0, 0, False, NOW, NOW + timedelta(seconds=2)),),
        keys=(("key", TASK),),
        results=(TASK,),
        calls=(first, replace(first, id=REPAIR, purpose="repair", verdict="accepted", cost=300)),
        ledger=(Entry(FIRST, "spend", 700), Entry(REPAIR, "spend", 900), Entry(REPAIR, "correction", -600)),
        events=tuple(Event(TASK, seq, name) for seq, name in enumerate(NAMES, start=1)),
        journal=(received(FIRST, 700), received(REPAIR, 300)),
        budgets=(Budget(OTHER, "tenant", None, NOW - timedelta(days=1)),),
        charges=(Charge(FIRST, OTHER, "day", MIDNIGHT), Charge(REPAIR, OTHER, "day", MIDNIGHT)),
        windows=(Window(OTHER, MIDNIGHT, 1000, 0),),
    )


def from_cache() -> History:
    """The same task, whose answer the cache had."""
    names = ("task.queued", "task.started", "task.served_from_cache", "task.succeeded")
    events = tuple(Event(TASK, seq, name) for seq, name in enumerate(names, start=1))
    history = replace(good(), calls=(), ledger=(), journal=(), charges=(), events=events)
    return replace(history, windows=(Window(OTHER, MIDNIGHT, 0, 0),))


def window(spent: int = 1000, held: int = 0, starts: datetime = NOW) -> History:
    at = MIDNIGHT if starts == NOW else starts
    charges = tuple(replace(charge, starts=at) for charge in good().charges)
    return replace(good(), windows=(Window(OTHER, at, spent, held),), charges=charges)


def received(call_id: UUID, billed: int) -> Received:
    return Received(str(call_id), NOW + timedelta(milliseconds=5), "answered", billed)


def with_task(**changes: object) -> History:
    history = good()
    return replace(history, tasks=(replace(history.tasks[0], **changes),))  # type: ignore[arg-type]


def with_repair(**changes: object) -> History:
    history = good()
    first, repair = history.calls
    return replace(history, calls=(first, replace(repair, **changes)))  # type: ignore[arg-type]


def without(field: str, index: int = 0) -> History:
    history = good()
    values = getattr(history, field)
    return replace(history, **{field: values[:index] + values[index + 1 :]})


def and_also(field: str, *values: object) -> History:
    history = good()
    return replace(history, **{field: (*getattr(history, field), *values)})


def bound(scope: str, subject: str) -> History:
    """Another budget, which binds all calls and has none of them."""
    history = with_task(user="ada", key="key-1", session="s-1")
    calls = tuple(replace(call, provider="alpha") for call in history.calls)
    budget = Budget(UUID(int=9), scope, subject, NOW - timedelta(days=1))
    return replace(history, calls=calls, budgets=(*history.budgets, budget))


def renamed(seq: int, name: str) -> History:
    history = good()
    return replace(
        history, events=tuple(replace(e, name=name) if e.seq == seq else e for e in history.events)
    )


BREACHES: dict[str, tuple[str, Callable[[], History]]] = {
    "an acknowledged task is gone": ("lost", lambda: without("tasks")),
    "a task still runs": ("stuck", lambda: with_task(status="running")),
    "a task failed": ("unsuccessful", lambda: with_task(status="failed")),
    "nobody sent the key": ("unexpected", lambda: without("submissions")),
    "a task has no key": ("unexpected", lambda: without("keys")),
    "a key has two tasks": ("duplicated", lambda: and_also("keys", ("key", OTHER))),
    "a client was told of another task": (
        "duplicated",
        lambda: and_also("submissions", Submission("key", OTHER)),
    ),
    "two results": ("duplicated results", lambda: and_also("results", TASK)),
    "no result": ("duplicated results", lambda: without("results")),
    "a result of no task": ("duplicated results", lambda: and_also("results", OTHER)),
    "a call was accepted, and the cache served as well": (
        "duplicated results",
        lambda: and_also("events", Event(TASK, 7, "task.served_from_cache")),
    ),
    "no call was accepted": ("duplicated results", lambda: with_repair(verdict="superseded")),
    "events with a gap": ("event sequence", lambda: without("events", 2)),
    "events of the same number": (
        "event sequence",
        lambda: and_also("events", Event(TASK, 6, "task.queued")),
    ),
    "no events": ("event sequence", lambda: replace(good(), events=())),
    "two endings": ("one ending, last", lambda: renamed(2, "task.failed")),
    "the ending is not last": (
        "one ending, last",
        lambda: and_also("events", Event(TASK, 7, "task.rescued")),
    ),
    "the ending is another": ("one ending, last", lambda: renamed(6, "task.failed")),
    "a lease is left": ("lease left", lambda: with_task(leased=True)),
    "a request without an intent": ("no intent", lambda: and_also("journal", received(OTHER, 0))),
    "a request without an id": (
        "no intent",
        lambda: and_also("journal", replace(received(OTHER, 0), id=None)),
    ),
    "an intent after the request": (
        "late intent",
        lambda: with_repair(started_at=NOW + timedelta(seconds=1)),
    ),
    "two requests under one intent": ("sent twice", lambda: and_also("journal", received(FIRST, 0))),
    "an answer to no request": ("never received", lambda: without("journal")),
    "a call without an outcome": ("unaccounted call", lambda: with_repair(status="started", cost=None)),
    "a call without a spend": ("one spend a call", lambda: without("ledger")),
    "a call with two spends": ("one spend a call", lambda: and_also("ledger", Entry(FIRST, "spend", 0))),
    "the ledger differs from the call": ("ledger drift", lambda: without("ledger", 2)),
    "money for no call": ("ledger drift", lambda: and_also("ledger", Entry(OTHER, "spend", 1))),
    "less than the bill": ("bill", lambda: and_also("journal", received(FIRST, 1))),
    "more than the bill of a known answer": ("bill", lambda: with_repair(cost=301)),
    "a refused task was stored": (
        "unexpected",
        lambda: replace(good(), submissions=(Submission("key", TASK, refused=True),)),
    ),
    "a task that chose to wait was refused": (
        "unsuccessful",
        lambda: with_task(status="failed", error="budget_exhausted", on_budget="wait"),
    ),
    "a commit over the limit": ("overspend", lambda: and_also("trips", Trip("overspend", OTHER, "6 of 5"))),
    "less spent than the calls": ("window drift", lambda: window(spent=999)),
    "a hold without its call": ("window drift", lambda: window(held=1)),
    "more than the hold where no usage was told": (
        "bill",
        lambda: with_repair(cost=901, hold=900, estimated=True),
    ),
    "an unknown call below its hold": (
        "bill",
        lambda: with_repair(cost=899, hold=900, estimated=True, status="unknown"),
    ),
    "a call on no budget of its user": ("uncharged call", lambda: bound("user", "ada")),
    "a call on no budget of its key": ("uncharged call", lambda: bound("key", "key-1")),
    "a call on no budget of its session": ("uncharged call", lambda: bound("session", "s-1")),
    "a call on no budget of its provider": ("uncharged call", lambda: bound("provider", "alpha")),
    "windows that are gone": ("window drift", lambda: replace(good(), windows=())),
    "a day's charge for a month": (
        "window drift",
        lambda: replace(good(), charges=tuple(replace(each, period="month") for each in good().charges)),
    ),
    "a call on no budget": ("uncharged call", lambda: without("charges")),
    "charged to the next day": ("window drift", lambda: window(starts=MIDNIGHT + timedelta(days=1))),
    "a charge of no call": (
        "window drift",
        lambda: and_also("charges", Charge(OTHER, OTHER, "day", MIDNIGHT)),
    ),
}


def test_a_good_history_is_left_alone() -> None:
    assert check(good()) == ()
    assert extra_calls(good()) == 0


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_reported_by_its_name(breach: str) -> None:
    invariant, history = BREACHES[breach]
    assert invariant in {violation.invariant for violation in check(history())}


@pytest.mark.parametrize("scope", ["user", "key", "session", "provider"])
def test_a_budget_of_somebody_else_binds_no_call(scope: str) -> None:
    assert check(bound(scope, "somebody else")) == ()


def test_more_than_the_bill_is_right_where_the_vendor_gave_no_usage() -> None:
    history = with_repair(cost=301, hold=301, estimated=True)
    ledger = (Entry(FIRST, "spend", 700), Entry(REPAIR, "spend", 301))
    assert check(replace(history, ledger=ledger, windows=(Window(OTHER, MIDNIGHT, 1001, 0),))) == ()


def test_an_unknown_call_may_never_have_left() -> None:
    history = replace(with_repair(status="unknown", verdict=None), journal=(received(FIRST, 700),))
    assert "never received" not in {violation.invariant for violation in check(history)}


@pytest.mark.parametrize(("crashes", "breaches"), [(0, {"too many calls"}), (1, set())])
def test_a_crash_allows_one_more_call(crashes: int, breaches: set[str]) -> None:
    history = with_task(crashes=crashes)
    lost = replace(history.calls[0], id=OTHER, status="unknown", verdict=None, cost=5, hold=5, estimated=True)
    again = replace(
        history,
        calls=(*history.calls, lost),
        ledger=(*history.ledger, Entry(OTHER, "spend", 5)),
        charges=(*history.charges, Charge(OTHER, OTHER, "day", MIDNIGHT)),
        windows=(Window(OTHER, MIDNIGHT, 1005, 0),),
    )
    assert {violation.invariant for violation in check(again)} == breaches
    assert extra_calls(again) == 1


def test_exact_calls_are_compared_number_by_number() -> None:
    assert list(expected_calls(good(), Expected(requests=2, calls=2, crashes=0))) == []
    (violation,) = expected_calls(good(), Expected(requests=1, calls=2, crashes=0))
    assert violation.invariant == "exact calls"


def test_a_task_that_the_cache_served_needs_no_call() -> None:
    assert check(from_cache()) == ()
