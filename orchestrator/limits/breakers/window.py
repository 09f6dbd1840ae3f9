"""The arithmetic of a circuit, as pure functions: the twin of `circuit.lua`, move for move.

Times are whole microseconds of one clock. Every move starts a new epoch, so that what began before it
and ends after it changes nothing; the epoch of the one probe is its lease.
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from orchestrator.limits.breakers.circuits import Health, Phase, Policy

MICROSECONDS: Final = 1_000_000
JITTER: Final = 0.1
"""An open time is up to this share longer or shorter than the policy says."""


class Bucket(NamedTuple):
    """The results of one stretch of the window."""

    slot: int
    calls: int
    failures: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a circuit. `till`: the open time's end, or that of the probe's lease."""

    phase: Phase = Phase.CLOSED
    epoch: int = 0
    till: int = 0
    open_for: int = 0
    buckets: tuple[Bucket, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What was decided at `now`: the move, whether the call may go ahead, what the window counted before it.

    `open_for` is without jitter; `till` has it.
    """

    was: Phase
    phase: Phase
    admitted: bool
    epoch: int
    now: int
    till: int
    open_for: int
    calls: int
    failures: int

    @property
    def moved(self) -> bool:
        """Whether the circuit changed its state."""
        return self.was is not self.phase

    def moved_to(self, phase: Phase) -> bool:
        """Whether the circuit changed to this state."""
        return self.moved and self.phase is phase

    def wait(self, policy: Policy) -> float:
        """Seconds until asking again makes sense; a probe may end long before its lease does."""
        left = max(0, self.till - self.now) / MICROSECONDS
        return min(left, policy.open_seconds) if self.phase is Phase.HALF_OPEN else left


def micros(seconds: float) -> int:
    """Whole microseconds."""
    return round(seconds * MICROSECONDS)


def look(policy: Policy, standing: Standing, now: int) -> Ruling:
    """How it stands."""
    return _ruling(policy, standing, standing, now)


def admit(policy: Policy, standing: Standing, now: int, lease: int) -> tuple[Standing, Ruling]:
    """May a call go ahead that lasts up to `lease`?"""
    if standing.phase is Phase.CLOSED:
        after = standing if standing.epoch else replace(standing, epoch=now)
        return after, _ruling(policy, standing, after, now, admitted=True)
    if now < standing.till:
        return standing, look(policy, standing, now)
    after = _moved(standing, Phase.HALF_OPEN, now, lease, standing.open_for)
    return after, _ruling(policy, standing, after, now, admitted=True)


def report(
    policy: Policy, standing: Standing, now: int, epoch: int, health: Health, jitter: float
) -> tuple[Standing, Ruling]:
    """Take in how a call ended that was admitted in `epoch`; `jitter` is a factor near 1."""
    if epoch != standing.epoch:
        return standing, look(policy, standing, now)
    if standing.phase is Phase.HALF_OPEN:
        after = _probed(policy, standing, now, health, jitter)
        return after, _ruling(policy, standing, after, now)
    counted = _counted(policy, standing, now, health)
    calls, failures = totals(policy, counted, now)
    enough = calls >= policy.minimum_calls and failures >= policy.failure_ratio * calls
    after = counted
    if health is Health.FAILURE and enough:
        after = _opened(counted, now, micros(policy.open_seconds), jitter)
    return after, replace(_ruling(policy, standing, after, now), calls=calls, failures=failures)


def renew(policy: Policy, standing: Standing, now: int, epoch: int, lease: int) -> tuple[Standing, Ruling]:
    """The probe that began with `epoch` is still under way, and is believed in for another `lease`."""
    under_way = standing.phase is Phase.HALF_OPEN and standing.epoch == epoch and standing.till > 0
    after = replace(standing, till=now + lease) if under_way else standing
    return after, _ruling(policy, standing, after, now)


def reset(policy: Policy, standing: Standing, now: int) -> tuple[Standing, Ruling]:
    """Close it whatever was, and forget the window."""
    after = _moved(standing, Phase.CLOSED, now, 0, 0)
    return after, _ruling(policy, standing, after, now)


def totals(policy: Policy, standing: Standing, now: int) -> tuple[int, int]:
    """Calls and failures in the window that ends now."""
    buckets = _recent(policy, standing, now)
    return sum(bucket.calls for bucket in buckets), sum(bucket.failures for bucket in buckets)


def _probed(policy: Policy, standing: Standing, now: int, health: Health, jitter: float) -> Standing:
    match health:
        case Health.SUCCESS:
            return _moved(standing, Phase.CLOSED, now, 0, 0)
        case Health.FAILURE:
            return _opened(standing, now, min(micros(policy.open_most), standing.open_for * 2), jitter)
        case Health.NEUTRAL:
            return replace(standing, till=0)


def _counted(policy: Policy, standing: Standing, now: int, health: Health) -> Standing:
    if health is Health.NEUTRAL:
        return standing
    slot = now // micros(policy.bucket_seconds)
    buckets = {bucket.slot: bucket for bucket in _recent(policy, standing, now)}
    _, calls, failures = buckets.get(slot, Bucket(slot, 0, 0))
    buckets[slot] = Bucket(slot, calls + 1, failures + (health is Health.FAILURE))
    return replace(standing, buckets=tuple(buckets.values()))


def _recent(policy: Policy, standing: Standing, now: int) -> list[Bucket]:
    slot = now // micros(policy.bucket_seconds)
    return [bucket for bucket in standing.buckets if slot - policy.buckets < bucket.slot <= slot]


def _opened(standing: Standing, now: int, open_for: int, jitter: float) -> Standing:
    return _moved(standing, Phase.OPEN, now, int(open_for * jitter), open_for)


def _moved(standing: Standing, phase: Phase, now: int, lasting: int, open_for: int) -> Standing:
    return Standing(phase, max(now, standing.epoch + 1), now + lasting, open_for)


def _ruling(policy: Policy, before: Standing, after: Standing, now: int, *, admitted: bool = False) -> Ruling:
    calls, failures = totals(policy, before, now)
    return Ruling(
        was=before.phase,
        phase=after.phase,
        admitted=admitted,
        epoch=after.epoch,
        now=now,
        till=after.till,
        open_for=after.open_for,
        calls=calls,
        failures=failures,
    )
