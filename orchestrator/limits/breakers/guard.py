"""pybreaker, one breaker per call: our record decides, pybreaker's states carry it out.

A breaker that lives for one call has no lock, no counter and no clock that anyone shares. It is given
an answer that was decided in one step, and only the verdict on the call: never its exception.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final

from pybreaker import (
    STATE_CLOSED,
    STATE_HALF_OPEN,
    STATE_OPEN,
    CircuitBreaker,
    CircuitBreakerError,
    CircuitBreakerListener,
    CircuitBreakerState,
    CircuitBreakerStorage,
)

from orchestrator import telemetry
from orchestrator.limits.breakers.circuits import (
    Circuit,
    CircuitOpen,
    Health,
    Phase,
    Policy,
    State,
    Transition,
    Verdict,
)
from orchestrator.limits.breakers.records import SOURCE, Records, SharedRecord
from orchestrator.limits.breakers.window import MICROSECONDS, Ruling
from orchestrator.volatile import Script, Unreachable
from schemas.manners import CircuitPolicy

_PHASES: Final = {STATE_CLOSED: Phase.CLOSED, STATE_OPEN: Phase.OPEN, STATE_HALF_OPEN: Phase.HALF_OPEN}
_STATES: Final = {phase: state for state, phase in _PHASES.items()}
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Breakers:
    """The health circuits as one process sees them; any thread may use them."""

    def __init__(self, broker_url: str, policy: Policy, on_transition: Callable[[Transition], None]) -> None:
        self._policy = policy
        self._script = Script(broker_url, SOURCE)
        self._records = Records(self._script, policy)
        self._on_transition = on_transition
        self._probes: set[_Call] = set()

    @contextmanager
    def guard(
        self, circuit: Circuit, lease_seconds: float, own: CircuitPolicy | None = None
    ) -> Iterator[Verdict]:
        """Let the block run if the circuit does, and take in the verdict that it sets.

        `lease_seconds`: a probe that is not renewed for so long is given up, and another call may probe.
        `own`: what its provider has otherwise than the installation.
        Raises `CircuitOpen` before the block. Two round trips; one if a closed circuit's call ends neutral.
        """
        call = _Call(self._records, circuit, lease_seconds, self._policy.with_own(own))
        breaker = CircuitBreaker(
            fail_max=1,
            reset_timeout=0,
            exclude=[call.excludes],
            listeners=[_Listener(call, self._notice)],
            state_storage=call,
            name=circuit.id,
            throw_new_error_on_trip=False,
        )
        calling = breaker.calling()
        try:
            calling.__enter__()
        except CircuitBreakerError:
            raise CircuitOpen(circuit, call.ruling.wait(call.policy)) from None
        if call.probes:
            self._probes.add(call)
        try:
            yield call.verdict
        finally:
            self._probes.discard(call)
            # pybreaker would count any BaseException and swallow a StopIteration: it sees none of ours.
            if call.verdict.health is Health.SUCCESS:
                calling.__exit__(None, None, None)
            else:
                calling.__exit__(_Unwell, _Unwell(), None)

    def state(self, circuit: Circuit) -> State:
        """How a circuit stands."""
        ruling = self._records.look(circuit.id)
        return State(ruling.phase, ruling.wait(self._policy), ruling.failures, ruling.calls)

    def shared_state(self, circuit: Circuit) -> State:
        """How a circuit stands for all processes. Raises `volatile.Unreachable`."""
        ruling = self._records.shared.look(circuit.id)
        return State(ruling.phase, ruling.wait(self._policy), ruling.failures, ruling.calls)

    def reset(self, circuit: Circuit) -> None:
        """Close a circuit at once; what is under way no longer counts. Raises `volatile.Unreachable`."""
        ruling = self._records.shared.reset(circuit.id)
        if ruling.moved:
            self._tell(circuit, ruling, "reset by an operator", shared=True)

    def renew(self) -> None:
        """Tell that the probes of this process are under way; one whose process is gone blocks no circuit."""
        with suppress(*Unreachable):
            for call in tuple(self._probes):
                call.renew(self._records.shared)

    def close(self) -> None:
        """Close the connections."""
        self._script.close()

    def _notice(self, call: "_Call") -> None:
        self._tell(call.circuit, call.ruling, _why(call.ruling, call.policy), shared=call.shared)

    def _tell(self, circuit: Circuit, ruling: Ruling, why: str, *, shared: bool) -> None:
        opened = ruling.phase is Phase.OPEN
        transition = Transition(
            circuit=circuit,
            from_state=ruling.was,
            to_state=ruling.phase,
            at=ruling.now / MICROSECONDS,
            open_for=(ruling.till - ruling.now) / MICROSECONDS if opened else None,
            why=why,
            shared=shared,
        )
        try:
            self._on_transition(transition)
        except Exception as error:  # noqa: BLE001 - the call goes on, whoever could not be told
            telemetry.fault("breakers.untold", error, circuit=circuit.id)


def announce(moved: Transition) -> None:
    """Tell of a circuit's move in the log and the figures."""
    telemetry.CIRCUITS.labels(moved.to_state).inc()
    name = "circuit.opened" if moved.to_state is Phase.OPEN else "circuit.moved"
    provider, model = moved.circuit.provider_id, moved.circuit.model
    said = {"circuit": moved.circuit.id, "provider_id": provider, "model": model, "why": moved.why}
    telemetry.warn(name, state=moved.to_state, open_for=moved.open_for, shared=moved.shared, **said)


class _Unwell(Exception):
    """Stands for a call that was not a success; never leaves this module."""


class _Call(CircuitBreakerStorage):
    """What one call's breaker sees: the answer to "may I", and one report of how it ended.

    What pybreaker writes on the way (counters, times, states) decides nothing.
    """

    def __init__(self, records: Records, circuit: Circuit, lease: float, policy: Policy) -> None:
        super().__init__(circuit.id)
        self.circuit = circuit
        self.policy = policy
        self.verdict = Verdict()
        self._records = records
        self._lease = lease
        self.ruling, self.shared = records.admit(circuit.id, lease, policy)
        self._admission = self.ruling
        self._reported = False
        # Half open with its probe under way is open for everyone else.
        self._state = _STATES[self.ruling.was] if self.ruling.admitted else STATE_OPEN

    @property
    def probes(self) -> bool:
        """Whether the call is the one that tries a circuit for all processes."""
        return self.shared and self._admission.phase is Phase.HALF_OPEN and self._admission.admitted

    def renew(self, shared: SharedRecord) -> None:
        """The call is under way. Raises `volatile.Unreachable`."""
        shared.renew(self.circuit.id, self._admission.epoch, self._lease)

    def excludes(self, _unwell: object) -> bool:
        """Whether pybreaker must not count the end of the call as a failure."""
        return self.verdict.health is not Health.FAILURE

    @property
    def state(self) -> str:
        """The state of the circuit for this call."""
        return self._state

    @state.setter
    def state(self, state: str) -> None:
        self._state = state

    @property
    def opened_at(self) -> datetime | None:
        """Never: the call is the probe. Or just before the end of time: it is refused, by any clock."""
        return None if self._admission.admitted else _NEVER

    @opened_at.setter
    def opened_at(self, datetime: datetime) -> None:
        pass

    def increment_counter(self) -> None:
        """The call failed."""
        self._report()

    def reset_counter(self) -> None:
        """The call succeeded, or was excluded; or the circuit has just been closed by its report."""
        self._report()

    @property
    def counter(self) -> int:
        """1 (the breaker's maximum) where this call's failure opened the circuit."""
        return int(self.ruling.moved_to(Phase.OPEN))

    @property
    def success_counter(self) -> int:
        """1 (the breaker's threshold) where this call's success closed the circuit."""
        return int(self.ruling.moved_to(Phase.CLOSED))

    def _report(self) -> None:
        if self._reported:
            return
        self._reported = True
        health, admission = self.verdict.health, self._admission
        if health is Health.NEUTRAL and admission.phase is Phase.CLOSED:
            return
        self.ruling, self.shared = self._records.report(
            self.circuit.id, admission, self.shared, health, self.policy
        )


class _Listener(CircuitBreakerListener):
    """Passes on the moves that were ours: a late result moves pybreaker's state, but no circuit."""

    def __init__(self, call: _Call, notice: Callable[[_Call], None]) -> None:
        self._call, self._notice = call, notice

    def state_change(
        self, cb: CircuitBreaker, old_state: CircuitBreakerState | None, new_state: CircuitBreakerState
    ) -> None:
        """pybreaker's state changed."""
        if self._call.ruling.moved_to(_PHASES[new_state.name]):
            self._notice(self._call)


def _why(ruling: Ruling, policy: Policy) -> str:
    match ruling.phase:
        case Phase.HALF_OPEN:
            return "the open time is over, one call probes"
        case Phase.CLOSED:
            return "the probe succeeded"
        case Phase.OPEN if ruling.was is Phase.HALF_OPEN:
            return "the probe failed"
        case Phase.OPEN:
            counted = f"{ruling.failures} of {ruling.calls} calls"
            return f"{counted} failed within {policy.window_seconds:g} s"
