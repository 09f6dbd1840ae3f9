"""Mutants of budgets, prices and circuits."""

from typing import Final

from tests.chaos.mutants.money_plays import AT_THE_EDGE, DEARER_MODEL, MIDNIGHT, OUTAGE, USUAL_TIER
from tests.chaos.mutants.patches import Mutant, Patch

_BUDGETS: Final = "orchestrator/store/budgets.py"
_GUARD: Final = "orchestrator/limits/breakers/guard.py"

MONEY_MUTANTS: Final = (
    # A budget is looked at before the call, and nothing is held during it.
    Mutant(
        "no hold",
        AT_THE_EDGE,
        "overspend",
        (
            Patch(_BUDGETS, "held_nanos = w.held_nanos + :nanos", "held_nanos = w.held_nanos + 0 * :nanos"),
            Patch(_BUDGETS, "held_nanos = w.held_nanos - summed.released", "held_nanos = w.held_nanos"),
        ),
    ),
    # What a call held is given back twice.
    Mutant(
        "release twice",
        AT_THE_EDGE,
        "hold drift",
        (
            Patch(
                _BUDGETS,
                "held_nanos = w.held_nanos - summed.released",
                "held_nanos = greatest(0, w.held_nanos - 2 * summed.released)",
            ),
        ),
    ),
    # The model that was asked for is priced, and not the one that answered.
    Mutant(
        "requested model priced",
        DEARER_MODEL,
        "bill",
        (
            Patch(
                "workers/call.py",
                "        model = prices.priced_model(vendor, lease.candidate.model, reply.model)\n",
                "        model = lease.candidate.model\n",
            ),
        ),
    ),
    # The tier that was asked for is priced, and not the one that served.
    Mutant(
        "requested tier priced",
        USUAL_TIER,
        "bill",
        (
            Patch(
                "workers/call.py",
                "prices.cost(vendor, model, reply.tier, reply.usage, clock.now())",
                "prices.cost(vendor, model, ask_of(lease, ()).tier, reply.usage, clock.now())",
            ),
        ),
    ),
    # Money goes to the window of the day on which it was spent.
    Mutant(
        "spend booked to today's window",
        MIDNIGHT,
        "window drift",
        (
            Patch(
                _BUDGETS,
                "JOIN budget_windows AS w ON w.budget_id = charge.budget_id AND w.starts = charge.starts\n"
                "        ORDER BY w.budget_id, w.starts FOR NO KEY UPDATE OF w\n    ), summed",
                "JOIN budget_windows AS w ON w.budget_id = charge.budget_id\n"
                "            AND w.starts = date_trunc('day', clock_timestamp(), 'UTC')\n"
                "        ORDER BY w.budget_id, w.starts FOR NO KEY UPDATE OF w\n    ), summed",
            ),
        ),
    ),
    # pybreaker over the storage it ships with: consecutive failures, and everyone may probe.
    Mutant(
        "stock breaker storage",
        OUTAGE,
        "one probe",
        (
            Patch(
                _GUARD,
                "        self._policy = policy\n",
                "        self._policy = policy\n        self._url = broker_url\n",
            ),
            Patch(
                _GUARD,
                "        call = _Call(self._records, circuit, lease_seconds, self._policy.with_own(own))\n",
                """        import redis
        from pybreaker import CircuitRedisStorage

        client = redis.Redis.from_url(self._url)
        stock = CircuitBreaker(
            fail_max=self._policy.minimum_calls,
            reset_timeout=self._policy.open_seconds,
            state_storage=CircuitRedisStorage(STATE_CLOSED, client, namespace=circuit.id),
        )
        verdict = Verdict()
        try:
            with stock.calling():
                yield verdict
                if verdict.health is Health.FAILURE:
                    raise _Unwell
        except CircuitBreakerError:
            if verdict.health is None or verdict.health is Health.NEUTRAL:
                raise CircuitOpen(circuit, self._policy.open_seconds) from None
        except _Unwell:
            pass
        return
        call = _Call(self._records, circuit, lease_seconds, self._policy.with_own(own))
""",
            ),
        ),
    ),
)
