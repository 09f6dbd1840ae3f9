"""What GitHub's AI credits cost: one is $0.01. What a job may cost, and what it cost."""

from typing import Final

from orchestrator.catalogue.prices import FLAT_SOURCE
from schemas.calls import Cost
from schemas.copilot import CopilotOptions

CREDIT_NANOS: Final = 10_000_000
"""Nano-dollars of one AI credit."""

NANO_CREDITS: Final = 1_000_000_000
NOTHING_SENT: Final = Cost(nanos=0, source="not_answered", version="1")
FLAT: Final = Cost(nanos=0, source=FLAT_SOURCE, version="1")
"""A job within a plan that is paid by the month: its marginal price is a known 0."""


def cost_of(nano_credits: int) -> Cost:
    """What so many billionths of a credit cost, rounded up to a nano-dollar."""
    nanos = -(-nano_credits * CREDIT_NANOS // NANO_CREDITS)
    return Cost(nanos=nanos, source="ai_credits", version="1")


def most_of_a_job(options: CopilotOptions | None) -> int:
    """Nano-dollars that are held for a job, and that it is reckoned to cost before it runs."""
    return options.max_credits * CREDIT_NANOS if options is not None and options.by_credits else 0
