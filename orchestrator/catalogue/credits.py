"""What GitHub's AI credits cost: one is $0.01."""

from typing import Final

from schemas.calls import Cost

CREDIT_NANOS: Final = 10_000_000
"""Nano-dollars of one AI credit."""

NANO_CREDITS: Final = 1_000_000_000
NOTHING_SENT: Final = Cost(nanos=0, source="not_answered", version="1")
FLAT: Final = Cost(nanos=0, source="flat_plan", version="1")
"""A job within a plan that is paid by the month: its marginal price is a known 0."""


def cost_of(nano_credits: int) -> Cost:
    """What so many billionths of a credit cost, rounded up to a nano-dollar."""
    nanos = -(-nano_credits * CREDIT_NANOS // NANO_CREDITS)
    return Cost(nanos=nanos, source="ai_credits", version="1")
