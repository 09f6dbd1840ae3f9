"""The health circuit of each (provider, endpoint, model), shared by all processes.

pybreaker's state machine runs per call over a record that one script in Redis keeps: a sliding window,
Redis' clock, one probe at a time. While Redis is away each process keeps the same record for itself.
A wiped Redis has forgotten the circuits: all are closed, and open again after `minimum_calls` failures.
"""

from orchestrator.limits.breakers.circuits import (
    Circuit,
    CircuitOpen,
    Health,
    Phase,
    Policy,
    State,
    Transition,
    Verdict,
    health_of,
)
from orchestrator.limits.breakers.guard import Breakers, announce

__all__ = [
    "Breakers",
    "Circuit",
    "CircuitOpen",
    "Health",
    "Phase",
    "Policy",
    "State",
    "Transition",
    "Verdict",
    "announce",
    "health_of",
]
