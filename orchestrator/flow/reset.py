"""Reset: an operator says that a provider is well again; its gate closes at once for all processes."""

import asyncio
from uuid import UUID

from orchestrator import telemetry
from orchestrator.limits.breakers import Breakers
from orchestrator.limits.gates import clear
from orchestrator.limits.inspection import circuit_of, find
from orchestrator.volatile import Unreachable
from orchestrator.wiring import Parts
from schemas.errors import BrokerUnavailable, NotFound
from schemas.gates import GateKind


async def reset(parts: Parts, breakers: Breakers, tenant_id: UUID, gate_id: str) -> None:
    """Let everything through a gate again. Raises `NotFound`, and `BrokerUnavailable` for a circuit."""
    gate = await find(parts.db, tenant_id, gate_id)
    if gate is None:
        raise NotFound(f"There is no circuit breaker {gate_id!r}.")
    if gate.kind is GateKind.CIRCUIT:
        try:
            await asyncio.to_thread(breakers.reset, circuit_of(gate))
        except Unreachable as error:
            raise BrokerUnavailable(retry_after=2) from error
    await clear(parts.db, gate.kind, gate.subject, gate.model)
    telemetry.tell("gate.reset", provider=gate.provider, gate=gate.kind, model=gate.model)
