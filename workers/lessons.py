"""What a booked call teaches those after it: how its model counts, and a gate that its provider closed."""

from contextlib import suppress

from orchestrator import telemetry
from orchestrator.flow.book import Outcome
from orchestrator.flow.claim import Lease
from orchestrator.limits.gates import close_after
from schemas.errors import Failure, StoreUnavailable
from workers.process import Process
from workers.providers.base import Ask


async def learnt(process: Process, lease: Lease, ask: Ask, outcome: Outcome) -> None:
    """What the call says of the model's way to count; a player of models says nothing of them."""
    if outcome.usage is None or lease.provider.simulated:
        return
    size = sum(len(message.content.encode("utf-8", "replace")) for message in ask.messages)
    taken = outcome.usage.input_tokens
    await process.calibration.heard(process.parts.volatile, lease.provider.vendor, ask.model, size, taken)


async def close_gate(process: Process, lease: Lease, failure: Failure) -> None:
    """Let the others know at once; where the store is away, the next call will tell again."""
    with suppress(StoreUnavailable):
        provider = lease.provider
        closed = await close_after(process.parts.db, provider.id, failure, provider.credential)
        if closed is not None:
            telemetry.warn(
                "gate.closed", provider=lease.provider.name, gate=closed.kind, reason=closed.reason
            )
