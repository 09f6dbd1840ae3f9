"""How a provider does: what its gates say, and how its real calls of the last quarter of an hour went."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from orchestrator import clock
from orchestrator.limits.breakers import Breakers, Health, health_of
from orchestrator.limits.inspection import inspect
from orchestrator.store import views
from orchestrator.store.engine import Database
from orchestrator.store.views import RecentCall
from schemas.configured import ProviderHealth, Standing
from schemas.errors import Category
from schemas.gates import CircuitBreaker, GateKind, GateState

WINDOW: Final = timedelta(minutes=15)
DEGRADED_RATE: Final = 0.05
DOWN_RATE: Final = 0.5
FEWEST: Final = 5
"""Calls that an error rate is judged by at least."""

_FAILING: Final = frozenset(str(category) for category in Category if health_of(category) is Health.FAILURE)


async def standing(db: Database, breakers: Breakers, tenant_id: UUID, name: str) -> ProviderHealth | None:
    """How the tenant's provider of this name does; None where there is none."""
    recent = await views.recent(db, tenant_id, name, clock.now() - WINDOW)
    if recent is None:
        return None
    gates = [each for each in await inspect(db, breakers, tenant_id) if each.provider == name]
    failed = sum(_failed(call) for call in recent.calls)
    rate = failed / len(recent.calls) if recent.calls else 0.0
    status, reasons = judged(gates, len(recent.calls), rate)
    answered = [call for call in recent.calls if call.answered]
    firsts = [call.first_token for call in answered if call.first_token is not None]
    return ProviderHealth(
        provider=name,
        status=status,
        reasons=reasons,
        paused=recent.paused,
        calls=len(recent.calls),
        failed=failed,
        error_rate=round(rate, 4),
        latency_p50_ms=percentile([call.seconds for call in answered], 0.5),
        latency_p95_ms=percentile([call.seconds for call in answered], 0.95),
        first_token_p50_ms=percentile(firsts, 0.5),
        last_success_at=next((call.ended_at for call in answered), None),
        last_failure_at=next((call.ended_at for call in recent.calls if _failed(call)), None),
    )


def judged(gates: Sequence[CircuitBreaker], calls: int, rate: float) -> tuple[Standing, list[str]]:
    """The worst that gates and calls say, and what says so. Pure."""
    down = [_told(gate) for gate in gates if gate.state is GateState.OPEN and _shuts(gate)]
    worse = [
        _told(gate)
        for gate in gates
        if gate.state is not GateState.CLOSED and not (gate.state is GateState.OPEN and _shuts(gate))
    ]
    if calls >= FEWEST and rate > DEGRADED_RATE:
        (down if rate > DOWN_RATE else worse).append(f"{rate:.0%} of the last {calls} calls failed")
    status = Standing.DOWN if down else Standing.DEGRADED if worse else Standing.HEALTHY
    return status, [*down, *worse]


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
