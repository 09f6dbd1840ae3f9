"""The verdict of a run as one table."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.calls import dollars
from tests.chaos.checker import extra_calls
from tests.chaos.ground import Times
from tests.chaos.nemesis import Fault
from tests.chaos.records import History
from tests.chaos.scenes import Played
from tests.chaos.storm import Weathered, together
from tests.chaos.violations import Violation

FAMILIES = {
    "lost": ("lost",),
    "unexpected": ("unexpected",),
    "duplicated tasks": ("duplicated",),
    "duplicated results": ("duplicated results", "one ending, last", "event sequence"),
    "stuck": ("stuck", "lease left"),
    "not succeeded": ("unsuccessful",),
    "calls without an intent": ("no intent", "late intent", "sent twice"),
    "unaccounted calls": ("unaccounted call", "never received", "one spend a call"),
    "calls over P2": ("too many calls",),
    "ledger drift": ("ledger drift", "hold drift", "window drift", "uncharged call"),
    "bill not covered": ("bill",),
    "overspend": ("overspend",),
    "processes that gave up": ("gave up",),
}
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Other:
    """A scene of its own: how it went; `skipped` says why it could not be played here."""

    name: str
    how: str
    violations: Sequence[Violation] = ()
    skipped: str = ""


@dataclass(frozen=True)
class Verdict:
    """Everything that a run showed."""

    seed: int
    times: Times
    storms: Sequence[Weathered]
    played: Sequence[Played]
    seconds: float
    others: Sequence[Other] = ()
    peer: str = ""

    @property
    def history(self) -> History:
        """All storms' histories as one."""
        return together([storm.history for storm in self.storms])

    @property
    def violations(self) -> list[Violation]:
        """What was found in all storms."""
        return [violation for storm in self.storms for violation in storm.violations]

    @property
    def faults(self) -> list[Fault]:
        """What was done in all storms."""
        return [fault for storm in self.storms for fault in storm.faults]

    @property
    def good(self) -> bool:
        """Whether all promises were kept, and all faults struck."""
        scenes = all(one.good for one in self.played) and not any(one.violations for one in self.others)
        return not self.violations and scenes


def show(verdict: Verdict) -> None:
    """Print it."""
    for line in _lines(verdict):
        print(line)


def _lines(verdict: Verdict) -> Iterable[str]:
    history = verdict.history
    yield ""
    yield _row("seed", verdict.seed)
    yield _row("times", verdict.times)
    yield _row("tasks", _tasks(history))
    for kind, count in Counter(fault.kind for fault in verdict.faults).items():
        hits = "; ".join(fault.hit for fault in verdict.faults if fault.kind == kind)
        yield f"  {kind:<38} {count:3}   {hits}"
    counted = Counter(violation.invariant for violation in verdict.violations)
    for family, names in FAMILIES.items():
        yield _row(family, sum(counted[name] for name in names))
    yield _row("recovered submits", sum(one.recovered for one in history.submissions))
    yield _row("calls", _calls(history))
    crashes = sum(task.crashes for task in history.tasks)
    yield _row("extra calls", f"{extra_calls(history)} over {crashes} crashes")
    yield _row("recovery", _recovery(verdict))
    yield from _levels(verdict)
    yield _row("failpoints", _scenes(verdict.played))
    for other in verdict.others:
        yield _row(other.name, f"skipped: {other.skipped}" if other.skipped else other.how)
    skipped = [fault for fault in verdict.faults if fault.hit.startswith("skipped")]
    yield _row("scenes skipped", len(skipped) + sum(bool(other.skipped) for other in verdict.others))
    yield from _wrong(verdict)
    if verdict.peer:
        yield _row("the peer", verdict.peer)
    yield _row("wall time", f"{verdict.seconds:.0f} s")
    yield _row("verdict", "every promise kept" if verdict.good else "BROKEN")


def _row(name: str, value: object) -> str:
    return f"{name:<24} {value}"


def _tasks(history: History) -> str:
    states = Counter(task.status for task in history.tasks)
    told = sum(one.acknowledged is not None for one in history.submissions)
    refused = sum(one.refused for one in history.submissions)
    listed = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return f"{len(history.submissions)} submitted, {told} acknowledged, {refused} refused; {listed}"


def _calls(history: History) -> str:
    states = Counter(call.status for call in history.calls)
    repairs = sum(call.purpose == "repair" for call in history.calls)
    listed = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    seen = f"{len(history.journal)} in the provider's journal"
    return f"{len(history.calls)} ({listed}; {repairs} repairs), {seen}"


def _recovery(verdict: Verdict) -> str:
    """From the end of a fault to that of each task that was under way then."""
    waits = sorted(
        (task.finished_at - fault.over).total_seconds()
        for storm in verdict.storms
        for fault in storm.faults
        for task in storm.history.tasks
        if task.finished_at is not None and task.created_at < fault.over < task.finished_at
    )
    if not waits:
        return "no task was under way at any fault"
    p50, p99 = waits[len(waits) // 2], waits[min(len(waits) - 1, len(waits) * 99 // 100)]
    return (
        f"p50 {p50:.2f} s, p99 {p99:.2f} s, max {waits[-1]:.2f} s ({len(waits)} tasks under way at a fault)"
    )


def _levels(verdict: Verdict) -> Iterable[str]:
    for storm in verdict.storms:
        for level in storm.levels:
            most = f"at most {level.highest / level.limit:.0%} of ${dollars(level.limit)}"
            yield _row(f"  {level.scope} budget", f"{most} over {level.commits} commits ({storm.storm.name})")


def _scenes(played: Sequence[Played]) -> str:
    good = sum(one.good for one in played)
    slowest = max((one.seconds for one in played), default=0.0)
    return f"{good} of {len(played)} as they must be, slowest {slowest:.1f} s"


def _wrong(verdict: Verdict) -> Iterable[str]:
    violations = [*verdict.violations, *(found for one in verdict.others for found in one.violations)]
    for one in verdict.played:
        violations += one.violations
        if not one.struck:
            yield _row("  not struck", one.scene.name)
    for violation in violations[:MOST_SHOWN]:
        yield _row(f"  {violation.invariant}", f"{violation.id}: {violation.found}")
    if len(violations) > MOST_SHOWN:
        yield _row("  …", f"{len(violations) - MOST_SHOWN} more")
