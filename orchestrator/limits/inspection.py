"""The gates of a tenant's providers as they stand: what Postgres keeps, and the circuits' live windows."""

import asyncio
from uuid import UUID

from orchestrator.limits.breakers import Breakers, Circuit, State
from orchestrator.store import views
from orchestrator.store.engine import Database
from orchestrator.store.views import GateRow
from orchestrator.volatile import Unreachable
from schemas.gates import CircuitBreaker, GateKind, GateState


async def inspect(db: Database, breakers: Breakers, tenant_id: UUID) -> list[CircuitBreaker]:
    """All gates; where Redis is away, circuits as they were last written down, without their windows."""
    rows = await views.gates(db, tenant_id)
    circuits = [circuit_of(row) for row in rows if row.kind is GateKind.CIRCUIT]
    live = await asyncio.to_thread(_live, breakers, circuits)
    return [_shown(row, live.get(circuit_of(row))) for row in rows]


async def find(db: Database, tenant_id: UUID, gate_id: str) -> GateRow | None:
    """The tenant's gate of this id."""
    return next((row for row in await views.gates(db, tenant_id) if name_of(row) == gate_id), None)


def name_of(gate: GateRow) -> str:
    """A gate's id: its kind and provider; for a model that is not the provider's usual one, that too."""
    name = f"{gate.kind}.{gate.provider}"
    other_model = gate.kind is GateKind.CIRCUIT and not gate.is_usual_model
    return f"{name}.{circuit_of(gate).id}" if other_model else name


def circuit_of(gate: GateRow) -> Circuit:
    """The circuit that a gate is the mirror of."""
    return Circuit(gate.provider_id, gate.endpoint, gate.model)


def _live(breakers: Breakers, circuits: list[Circuit]) -> dict[Circuit, State]:
    try:
        return {circuit: breakers.shared_state(circuit) for circuit in circuits}
    except Unreachable:
        return {}


def _shown(gate: GateRow, live: State | None) -> CircuitBreaker:
    state = GateState(live.name) if live else gate.state
    closed = state is GateState.CLOSED
    return CircuitBreaker(
        id=name_of(gate),
        provider=gate.provider,
        kind=gate.kind,
        model=gate.model or None,
        state=state,
        reason=None if closed else gate.reason,
        closed_until=None if closed or gate.reason == "misconfigured" else gate.closed_until,
        calls=live.calls if live else None,
        failures=live.failures if live else None,
        transitions=gate.moves,
    )
