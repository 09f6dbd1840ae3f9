"""What went wrong with a call closes a gate: of the circuit, of the account's pace, of its credential.

The circuit itself lives in `limits.breakers`; here its transitions, the cool-downs and the credential
gates are kept where all processes and the operator see them.
"""

from dataclasses import dataclass
from random import random
from typing import Final
from uuid import UUID

from orchestrator import telemetry
from orchestrator.store import gates
from orchestrator.store.engine import Database
from schemas.errors import Category, Failure
from schemas.gates import GateKind

DEFAULT_COOL_DOWN: Final = 5.0
QUOTA_SECONDS: Final = 3600.0
FOR_EVER: Final = 100 * 365 * 86400.0


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


CHECK_FAILED: Final = "check_failed"
"""The reason why nothing is sent to a provider that active checks did not find."""

REMOVED: Final = "provider_removed"
"""The reason why nothing is sent to a provider that is no longer there."""


async def close_after(
    db: Database, provider_id: UUID, failure: Failure, credential: str | None = None
) -> Closing | None:
    """Close the account's gate that this failure of a call under `credential` calls for; what was closed."""
    closed = closing(failure, random())
    if closed is None:
        return None
    account = await db.one(gates.ACCOUNT, provider_id=provider_id, credential=credential)
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
    telemetry.GATES_CLOSED.labels(closed.kind, closed.reason).inc()
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


async def note_check(db: Database, account: str, *, down: bool, ok: bool, seconds: float) -> bool:
    """What an active check of the account's endpoint found; whether its gate has moved.

    The gate opens by itself after `seconds`, should nobody come to check again.
    """
    if ok:
        given = {"kind": GateKind.HEALTH, "subject": account, "model": "", "reason": "check_passed"}
        return bool(await db.run(gates.CLEAR, **given))
    if not down:
        return False
    moved = await db.run(
        gates.PUT,
        kind=GateKind.HEALTH,
        subject=account,
        model="",
        state="open",
        seconds=seconds,
        reason=CHECK_FAILED,
        keep_longest=False,
    )
    return bool(moved)


async def clear(db: Database, kind: GateKind, subject: str, model: str) -> None:
    """Let everything through again: an operator knows better."""
    await db.run(gates.CLEAR, kind=kind, subject=subject, model=model, reason="reset by an operator")


@dataclass(frozen=True, slots=True)
class Closed:
    """A provider that nothing may be sent to; `seconds_left` 0: one task may try whether it is back."""

    kind: GateKind
    seconds_left: float
    reason: str

    @property
    def shut(self) -> bool:
        """Whether not even one task may try."""
        return self.seconds_left > 0


async def closed(db: Database) -> dict[UUID, Closed]:
    """The providers with a closed gate; of several the one that stays closed longest."""
    found: dict[UUID, Closed] = {}
    for row in await db.run(gates.CLOSED):
        gate = Closed(GateKind(row.kind), max(0.0, row.seconds_left), row.reason)
        known = found.get(row.provider_id)
        if known is None or known.seconds_left < gate.seconds_left:
            found[row.provider_id] = gate
    return found


async def forget_nudges(db: Database, providers: list[UUID]) -> None:
    """Take back the nudges of providers whose gate has closed: their workers would only turn back."""
    await db.run(gates.FORGET_NUDGES, providers=providers)
