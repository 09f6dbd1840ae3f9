"""What went wrong with a call closes a gate: of the circuit, of the account's pace, of its credential.

The circuit itself lives in `limits.breakers`; here its transitions, the cool-downs and the credential
gates are kept where all processes and the operator see them.
"""

from dataclasses import dataclass
from enum import StrEnum
from random import random
from typing import Final
from uuid import UUID

from orchestrator.store import gates
from orchestrator.store.engine import Database
from schemas.errors import Category, Failure

DEFAULT_COOL_DOWN: Final = 5.0
QUOTA_SECONDS: Final = 3600.0
FOR_EVER: Final = 100 * 365 * 86400.0


class GateKind(StrEnum):
    """Which gate."""

    CIRCUIT = "circuit"
    COOL_DOWN = "cool_down"
    CREDENTIAL = "credential"


@dataclass(frozen=True, slots=True)
class Closing:
    """A gate to be closed for so many seconds, and why."""

    kind: GateKind
    seconds: float
    reason: str


def closing(failure: Failure, jitter: float) -> Closing | None:
    """The gate that a failure closes, if any; circuits are `limits.breakers`' own. Pure."""
    if failure.category is Category.RATE_LIMITED:
        hint = failure.retry_after if failure.retry_after is not None else DEFAULT_COOL_DOWN
        return Closing(GateKind.COOL_DOWN, hint * (1 + jitter / 10), "rate_limited")
    if failure.category is Category.QUOTA_EXHAUSTED:
        return Closing(GateKind.CREDENTIAL, failure.retry_after or QUOTA_SECONDS, "quota_exhausted")
    if failure.category is Category.UNAUTHORIZED and failure.http_status is not None:
        return Closing(GateKind.CREDENTIAL, FOR_EVER, "misconfigured")
    return None


async def close_after(db: Database, provider_id: UUID, failure: Failure) -> Closing | None:
    """Close the account's gate that this failure calls for; what was closed."""
    closed = closing(failure, random())
    if closed is None:
        return None
    account = await db.one(gates.ACCOUNT, provider_id=provider_id)
    if account is None:
        return None
    await db.run(
        gates.PUT,
        kind=closed.kind,
        subject=account.account,
        model="",
        state="open",
        seconds=closed.seconds,
        reason=closed.reason,
        keep_longest=True,
    )
    return closed


async def note_circuit(
    db: Database, provider_id: UUID, model: str, *, state: str, seconds: float, reason: str
) -> None:
    """Write a circuit's transition where the dispatcher and the operator see it."""
    await db.run(
        gates.PUT,
        kind=GateKind.CIRCUIT,
        subject=str(provider_id),
        model=model,
        state=state,
        seconds=seconds,
        reason=reason,
        keep_longest=False,
    )
