"""What jobs cost: credits to the nano-dollar, a flat plan a known 0, and never less held than is billed."""

from datetime import UTC, datetime

import pytest

from orchestrator.catalogue import prices
from orchestrator.catalogue.credits import FLAT, cost_of, most_of_a_job
from schemas.calls import Usage
from schemas.copilot import CopilotOptions, JobBilling, JobWay
from schemas.providers import Vendor


@pytest.mark.parametrize(
    ("nano_credits", "nanos"),
    [(0, 0), (1, 1), (99, 1), (100, 1), (101, 2), (10**9, 10**7), (35 * 10**8, 35 * 10**6)],
)
def test_a_credit_costs_a_cent_rounded_up(nano_credits: int, nanos: int) -> None:
    assert cost_of(nano_credits).nanos == nanos


@pytest.mark.parametrize(
    ("way", "billing", "held"),
    [
        (JobWay.DISPATCH, None, 0),
        (JobWay.DISPATCH, JobBilling.CREDITS, 2_000_000_000),
        (JobWay.AGENT_TASK, None, 2_000_000_000),
        (JobWay.AGENT_TASK, JobBilling.FLAT, 0),
    ],
)
def test_what_is_held_follows_the_billing(way: JobWay, billing: JobBilling | None, held: int) -> None:
    assert most_of_a_job(CopilotOptions(repository="a/b", way=way, billing=billing)) == held


def test_one_more_call_within_a_flat_plan_costs_a_known_0_and_says_so() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=1_000)
    priced = prices.cost(Vendor.COPILOT, "auto", None, usage, datetime(2026, 11, 20, tzinfo=UTC))
    assert (priced.nanos, priced.source, priced.estimated) == (0, "flat_plan", False)
    assert priced == FLAT
