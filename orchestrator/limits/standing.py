"""How providers do: what their gates say, how their real calls of the last quarter of an hour went, and
what active checks found. All of it is read from what is committed, so that every process says the same.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from orchestrator import clock
from orchestrator.limits.breakers import Breakers, Health, health_of
from orchestrator.limits.inspection import inspect
from orchestrator.store import views
from orchestrator.store.engine import Database
from orchestrator.store.views import Recent, RecentCall
from schemas.configured import HealthOverview, ProviderHealth, Standing
from schemas.errors import Category
from schemas.gates import CircuitBreaker, GateKind, GateState
from schemas.manners import USUAL_HEALTH, HealthPolicy

WINDOW: Final = timedelta(minutes=15)
NEWEST_COUNTS: Final = 0.2
"""What the newest of the calls counts in their moving average; the one before 0.8 of that, and so on."""

_FAILING: Final = frozenset(str(category) for category in Category if health_of(category) is Health.FAILURE)


async def standing(db: Database, breakers: Breakers, tenant_id: UUID, name: str) -> ProviderHealth | None:
    """How the tenant's provider of this name does; None where there is none."""
    found = await _standings(db, breakers, tenant_id, name)
    return found[0] if found else None


async def overview(db: Database, breakers: Breakers, tenant_id: UUID) -> HealthOverview:
    """How all providers of the tenant do."""
    return summed(await _standings(db, breakers, tenant_id, None))


def summed(found: Sequence[ProviderHealth]) -> HealthOverview:
    """One word for all: healthy if all are, down if none works, degraded in between. Pure."""
    counts = Counter(each.status for each in found)
    works = counts[Standing.HEALTHY] + counts[Standing.DEGRADED]
    worst = Standing.HEALTHY if counts[Standing.HEALTHY] == len(found) else Standing.DEGRADED
    return HealthOverview(
        status=worst if works else Standing.DOWN,
        healthy=counts[Standing.HEALTHY],
        degraded=counts[Standing.DEGRADED],
        down=counts[Standing.DOWN],
        data=list(found),
    )


async def _standings(
    db: Database, breakers: Breakers, tenant_id: UUID, name: str | None
) -> list[ProviderHealth]:
    recent = await views.recent(db, tenant_id, clock.now() - WINDOW, name)
    gates = await inspect(db, breakers, tenant_id) if recent else []
    return [_standing(each, [gate for gate in gates if gate.provider == each.name]) for each in recent]


def _standing(recent: Recent, gates: Sequence[CircuitBreaker]) -> ProviderHealth:
    failed = sum(_failed(call) for call in recent.calls)
    rate = failed / len(recent.calls) if recent.calls else 0.0
    answered = [call for call in recent.calls if call.answered]
    average = moving_average([call.seconds for call in reversed(answered)])
    policy = recent.policy or USUAL_HEALTH
    status, reasons = judged(gates, len(recent.calls), rate, policy, average)
    if recent.check is not None and recent.check.failures and policy.check:
        status = max(status, Standing.DEGRADED, key=_ORDER.index)
        reasons = [*reasons, f"the last {recent.check.failures} checks failed: {recent.check.message}"]
    firsts = [call.first_token for call in answered if call.first_token is not None]
    return ProviderHealth(
        provider=recent.name,
        status=status,
        reasons=reasons,
        paused=recent.paused,
        calls=len(recent.calls),
        failed=failed,
        error_rate=round(rate, 4),
        availability=round(len(answered) / (len(answered) + failed), 4) if answered or failed else None,
        latency_ewma_ms=average,
        latency_p50_ms=percentile([call.seconds for call in answered], 0.5),
        latency_p95_ms=percentile([call.seconds for call in answered], 0.95),
        first_token_p50_ms=percentile(firsts, 0.5),
        last_success_at=next((call.ended_at for call in answered), None),
        last_failure_at=next((call.ended_at for call in recent.calls if _failed(call)), None),
        check=recent.check,
    )


_ORDER: Final = (Standing.HEALTHY, Standing.DEGRADED, Standing.DOWN)


def judged(
    gates: Sequence[CircuitBreaker],
    calls: int,
    rate: float,
    policy: HealthPolicy = USUAL_HEALTH,
    average_ms: float | None = None,
) -> tuple[Standing, list[str]]:
    """The worst that gates and calls say, and what says so. Pure."""
    down = [_told(gate) for gate in gates if gate.state is GateState.OPEN and _shuts(gate)]
    worse = [
        _told(gate)
        for gate in gates
        if gate.state is not GateState.CLOSED and not (gate.state is GateState.OPEN and _shuts(gate))
    ]
    if calls >= policy.minimum_calls and rate > policy.degraded_error_rate:
        said = f"{rate:.0%} of the last {calls} calls failed"
        (down if rate > policy.down_error_rate else worse).append(said)
    most = policy.degraded_latency_ms
    if calls >= policy.minimum_calls and most is not None and average_ms is not None and average_ms > most:
        worse.append(f"answers take {average_ms:g} ms on average, more than {most:g} ms")
    status = Standing.DOWN if down else Standing.DEGRADED if worse else Standing.HEALTHY
    return status, [*down, *worse]


def moving_average(seconds: Iterable[float]) -> float | None:
    """The exponentially weighted average of times given oldest first, in milliseconds. Pure."""
    average: float | None = None
    for each in seconds:
        average = each if average is None else average + NEWEST_COUNTS * (each - average)
    return None if average is None else round(average * 1000, 1)


def percentile(seconds: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile, in milliseconds. Pure."""
    if not seconds:
        return None
    ranked = sorted(seconds)
    return round(ranked[min(len(ranked) - 1, int(share * len(ranked)))] * 1000, 1)


def _shuts(gate: CircuitBreaker) -> bool:
    """Whether an open gate of this kind means that nothing goes, and not just nothing right now."""
    return gate.kind is not GateKind.COOL_DOWN


def _told(gate: CircuitBreaker) -> str:
    return f"{gate.kind} {gate.state}: {gate.reason or 'no reason is known'}"


def _failed(call: RecentCall) -> bool:
    """Whether the outcome speaks of the provider's health, as the circuit counts it."""
    return not call.answered and call.category in _FAILING
