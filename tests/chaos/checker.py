"""The judge of a run: every promise of the product as a function from its history to the breaches found.

Pure. `check` expects that the run is over: nothing is under way any more.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

from schemas.tasks import MAX_REPAIRS
from tests.chaos import money
from tests.chaos.records import Call, Event, History, Received, Task
from tests.chaos.violations import Violation

TERMINAL: Final = frozenset({"succeeded", "failed", "canceled", "expired"})
ENDINGS: Final = frozenset(f"task.{status}" for status in TERMINAL)

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a single, planned fault must come to: requests at the provider, rows of calls, crashes counted."""

    requests: int
    calls: int
    crashes: int


Rule = Callable[[History], Iterator[Violation]]


def check(history: History) -> tuple[Violation, ...]:
    """Everything that is wrong; empty for a run that kept all promises."""
    return tuple(violation for rule in RULES for violation in rule(history))


def lost(history: History) -> Iterator[Violation]:
    """P1: what was acknowledged is there."""
    stored = {task.id for task in history.tasks}
    for submission in history.submissions:
        if submission.acknowledged is not None and submission.acknowledged not in stored:
            yield Violation("lost", str(submission.acknowledged), f"acknowledged for {submission.key}, gone")


def stuck(history: History) -> Iterator[Violation]:
    """P6: what was stored has ended."""
    for task in history.tasks:
        if task.status not in TERMINAL:
            yield Violation("stuck", str(task.id), f"{task.status} after attempt {task.attempt}")


def unsuccessful(history: History) -> Iterator[Violation]:
    """In these runs every task can succeed, so each must; or a budget refused it, as its submitter chose."""
    for task in history.tasks:
        refused = (task.status, task.error, task.on_budget) == ("failed", "budget_exhausted", "fail")
        if task.status in TERMINAL and task.status != "succeeded" and not refused:
            yield Violation("unsuccessful", str(task.id), f"{task.status} {task.error or ''}".strip())


def unexpected(history: History) -> Iterator[Violation]:
    """Nothing is there that nobody asked for."""
    asked = {submission.key for submission in history.submissions}
    keyed = {task_id for _, task_id in history.keys}
    refused = {submission.key for submission in history.submissions if submission.refused}
    for key, task_id in history.keys:
        if key not in asked:
            yield Violation("unexpected", str(task_id), f"nobody sent the key {key}")
        if key in refused:
            yield Violation("unexpected", str(task_id), f"stored although {key} was refused")
    for task in history.tasks:
        if task.id not in keyed:
            yield Violation("unexpected", str(task.id), "a task that no key names")


def duplicated(history: History) -> Iterator[Violation]:
    """One key, one task; whatever a client was told is that task."""
    told: defaultdict[str, set[UUID]] = defaultdict(set)
    for key, task_id in history.keys:
        told[key].add(task_id)
    for submission in history.submissions:
        if submission.acknowledged is not None:
            told[submission.key].add(submission.acknowledged)
    for key, ids in told.items():
        if len(ids) > 1:
            yield Violation("duplicated", key, f"{len(ids)} tasks: {_listed(ids)}")


def duplicated_results(history: History) -> Iterator[Violation]:
    """P3: one result and one accepted answer for each task that succeeded, none for any other.

    The answer is a call's, or a kept one that the cache served.
    """
    results = Counter(history.results)
    accepted = Counter(call.task_id for call in history.calls if call.verdict == "accepted")
    served = Counter(event.task_id for event in history.events if event.name == "task.served_from_cache")
    for task in history.tasks:
        expected = int(task.status == "succeeded")
        answers = accepted[task.id] + served[task.id]
        for what, count in (("results", results.pop(task.id, 0)), ("accepted answers", answers)):
            if count != expected:
                yield Violation("duplicated results", str(task.id), f"{count} {what}, {task.status}")
    for task_id in results:
        yield Violation("duplicated results", str(task_id), "a result of no task")


def endings(history: History) -> Iterator[Violation]:
    """P3: events count from 1 without a gap, with the one ending that fits the state.

    Behind the ending stands at most the booking of what a fenced-off worker paid for.
    """
    events = _grouped(history.events, lambda event: event.task_id)
    for task in history.tasks:
        yield from _ending_of(task, events.get(task.id, []))


def _ending_of(task: Task, events: list[Event]) -> Iterator[Violation]:
    seqs = sorted(event.seq for event in events)
    if seqs != list(range(1, len(seqs) + 1)) or not seqs:
        yield Violation("event sequence", str(task.id), f"seq {seqs}")
        return
    names = [event.name for event in sorted(events, key=lambda event: event.seq)]
    ends = [name for name in names if name in ENDINGS]
    late = names[names.index(ends[0]) + 1 :] if ends else []
    booked = all(name.startswith(("call.", "attempt.")) or name == "task.verifying" for name in late)
    if task.status in TERMINAL and (ends != [f"task.{task.status}"] or not booked):
        yield Violation("one ending, last", str(task.id), f"{task.status}: {' '.join(names)}")


def leases(history: History) -> Iterator[Violation]:
    """An ended task is leased to nobody."""
    for task in history.tasks:
        if task.leased and task.status in TERMINAL:
            yield Violation("lease left", str(task.id), task.status)


def intents(history: History) -> Iterator[Violation]:
    """P2: whatever the provider received had a committed intent before its first byte, used once."""
    calls = {str(call.id): call for call in history.calls}
    for call_id, entries in _by_call(history).items():
        call = calls.get(call_id)
        if call is None:
            yield Violation("no intent", call_id, f"the provider received it ({entries[0].outcome})")
            continue
        if len(entries) > 1:
            yield Violation("sent twice", call_id, f"{len(entries)} requests under one intent")
        if any(entry.received_at < call.started_at for entry in entries):
            yield Violation("late intent", call_id, "received before its intent")
    for entry in history.journal:
        if entry.id is None:
            yield Violation("no intent", "-", "a request without a call id")


def never_sent(history: History) -> Iterator[Violation]:
    """A call that the provider never saw died before its first byte, or could not connect."""
    received = _by_call(history)
    for call in history.calls:
        if str(call.id) in received or call.status == "unknown":
            continue
        if call.status == "failed" and call.http_status is None:
            continue
        yield Violation("never received", str(call.id), f"{call.status} without a request")


def calls_per_task(history: History) -> Iterator[Violation]:
    """P2: calls ≤ planned + failed + crashes."""
    calls = _grouped(history.calls, lambda call: call.task_id)
    for task in history.tasks:
        made = calls.get(task.id, [])
        allowed = planned(made) + sum(call.status == "failed" for call in made) + task.crashes
        if len(made) > allowed:
            found = f"{len(made)} calls, {allowed} allowed with {task.crashes} crashes"
            yield Violation("too many calls", str(task.id), found)


def planned(calls: Iterable[Call]) -> int:
    """The calls of an undisturbed run: one, one more for each answer that was refused on the way, a verifier,
    a look-up.

    The last answer's refusal asked for no other; each provider was asked once and to mend it three times.
    """
    every = sorted(calls, key=lambda call: call.started_at)
    beside = {call.purpose for call in every} & {"verifier", "lookup"}
    made = [call for call in every if call.purpose not in beside]
    refused = sum(call.verdict == "rejected" for call in made[:-1])
    firsts = sum(call.purpose == "first" for call in made)
    return min(1 + refused, (1 + MAX_REPAIRS) * max(1, firsts)) + len(beside)


def open_calls(history: History) -> Iterator[Violation]:
    """Each intent got an outcome."""
    for call in history.calls:
        if call.status == "started":
            yield Violation("unaccounted call", str(call.id), f"still open, task {call.task_id}")


def ledger(history: History) -> Iterator[Violation]:
    """P4: one spend for each call that ended, and what the ledger says of a call is what it cost."""
    entries = _grouped(history.ledger, lambda entry: entry.call_id)
    for call in history.calls:
        own = entries.pop(call.id, [])
        spends = sum(entry.kind == "spend" for entry in own)
        if spends != int(call.status != "started"):
            yield Violation("one spend a call", str(call.id), f"{spends} for a call that is {call.status}")
        booked = sum(entry.amount for entry in own)
        if booked != (call.cost or 0):
            yield Violation("ledger drift", str(call.id), f"ledger {booked}, call {call.cost}")
    for call_id, own in entries.items():
        yield Violation("ledger drift", str(call_id), f"{len(own)} entries of no call")


def billed(history: History) -> Iterator[Violation]:
    """P4: our cost covers the provider's bill, and equals it wherever it was told to us.

    What was not is charged at the hold, and never beyond that and the bill.
    """
    received = _by_call(history)
    for call in history.calls:
        bill = sum(entry.billed for entry in received.get(str(call.id), ()))
        cost = call.cost or 0
        exact = call.status == "answered" and not call.estimated
        beyond = call.estimated and cost > max(call.hold, bill)
        held = call.status != "unknown" or cost == call.hold
        if cost < bill or (exact and cost != bill) or beyond or not held:
            yield Violation("bill", str(call.id), f"cost {cost}, billed {bill}, {call.status}")


RULES: Final[tuple[Rule, ...]] = (
    lost,
    stuck,
    unsuccessful,
    unexpected,
    duplicated,
    duplicated_results,
    endings,
    leases,
    intents,
    never_sent,
    calls_per_task,
    open_calls,
    ledger,
    billed,
    money.tripped,
    money.windows,
    money.charged,
)


def expected_calls(history: History, expected: Expected) -> Iterator[Violation]:
    """A fault at a known step costs exactly what it must: a paid answer is never asked for again."""
    found = Expected(
        requests=len(history.journal),
        calls=len(history.calls),
        crashes=sum(task.crashes for task in history.tasks),
    )
    if found != expected:
        yield Violation("exact calls", _listed(task.id for task in history.tasks), f"{found}, not {expected}")


def extra_calls(history: History) -> int:
    """Calls beyond the planned ones and those that failed: what crashes cost."""
    calls = _grouped(history.calls, lambda call: call.task_id)
    return sum(
        max(0, len(made) - planned(made) - sum(call.status == "failed" for call in made))
        for made in calls.values()
    )


def _by_call(history: History) -> dict[str, list[Received]]:
    return _grouped((entry for entry in history.journal if entry.id is not None), lambda entry: str(entry.id))


def _grouped(values: Iterable[V], key: Callable[[V], K]) -> dict[K, list[V]]:
    groups: defaultdict[K, list[V]] = defaultdict(list)
    for value in values:
        groups[key(value)].append(value)
    return dict(groups)


def _listed(ids: Iterable[UUID]) -> str:
    return ", ".join(sorted(map(str, ids)))
