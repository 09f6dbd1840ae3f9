"""What the budgets of a run must come to: the windows are the sum of the calls charged to them. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

from tests.chaos.records import Budget, Call, Charge, History, Task
from tests.chaos.violations import Violation


def tripped(history: History) -> Iterator[Violation]:
    """P5: at no commit was a hard budget's window over its limit, or its hold not that of its open calls."""
    for trip in history.trips:
        yield Violation(trip.invariant, str(trip.budget_id), trip.found)


def windows(history: History) -> Iterator[Violation]:
    """P4: what a window says is spent is what its calls cost; nothing is held for calls that ended."""
    calls = {call.id: call for call in history.calls}
    spent: defaultdict[tuple[UUID, object], int] = defaultdict(int)
    held: defaultdict[tuple[UUID, object], int] = defaultdict(int)
    for charge in history.charges:
        call = calls.get(charge.call_id)
        if call is None:
            yield Violation("window drift", str(charge.call_id), "a charge of no call")
        elif call.status == "started":
            held[charge.budget_id, charge.starts] += call.hold
        else:
            spent[charge.budget_id, charge.starts] += call.cost or 0
    for window in history.windows:
        key = window.budget_id, window.starts
        if (window.spent, window.held) != (spent.pop(key, 0), held.pop(key, 0)):
            found = f"window of {window.starts:%d %B}: {window.spent} spent, {window.held} held"
            yield Violation("window drift", str(window.budget_id), f"{found}; its calls say otherwise")
    for budget_id, starts in {*spent, *held}:
        yield Violation("window drift", str(budget_id), f"no window that starts {starts}")


def charged(history: History) -> Iterator[Violation]:
    """P5: each call counts against every budget that binds it, in the window of its intent's time."""
    charges: defaultdict[UUID, list[Charge]] = defaultdict(list)
    for charge in history.charges:
        charges[charge.call_id].append(charge)
    for call in history.calls:
        yield from _charged(history, call, charges[call.id])


def _charged(history: History, call: Call, charges: list[Charge]) -> Iterator[Violation]:
    found = {charge.budget_id for charge in charges}
    payers = {task.id: task for task in history.tasks}
    for budget in history.budgets:
        binds = _binds(budget, payers.get(call.task_id), call)
        if binds and budget.created_at < call.started_at and budget.id not in found:
            yield Violation("uncharged call", str(call.id), f"not on the {budget.scope} budget")
    for charge in charges:
        if charge.starts != _start(charge.period, call.started_at.astimezone(UTC)):
            yield Violation("window drift", str(call.id), f"to another {charge.period} than its intent's")


def _binds(budget: Budget, payer: Task | None, call: Call) -> bool:
    if budget.scope == "tenant":
        return True
    if budget.scope == "provider":
        return budget.subject == call.provider
    own = {"user": payer.user, "key": payer.key, "session": payer.session} if payer else {}
    return budget.subject == own.get(budget.scope)


def _start(period: str, at: datetime) -> datetime:
    if period == "total":
        return datetime(1970, 1, 1, tzinfo=UTC)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.replace(day=1) if period == "month" else midnight
