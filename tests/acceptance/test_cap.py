"""A budget smaller than what is asked for at once: it is never overrun, and everyone ends as he chose."""

import pytest

from tests.chaos.cap import Size, play
from tests.chaos.ground import servers

SMALL = Size(workers=2, tasks=60, cap_usd="0.5", slots=8, flush_after=0.5)


@pytest.mark.timeout(120)
def test_a_budget_is_never_overrun_at_any_commit_though_the_broker_is_wiped() -> None:
    """
    Given two workers, a budget with room for four calls at a time, and sixty tasks,
    when all are submitted at once, and the broker is wiped while they run,
    then no commit leaves more spent and held than the limit, who chose to fail has failed once the money
    is used up, and who chose to wait succeeds once the limit is raised.
    """
    with servers() as stack:
        seen = play(stack, SMALL, flushed=True)
    assert seen.violations == ()
    assert 0 < seen.capped.highest <= seen.capped.limit
    assert seen.at_the_cap["failed (fail)"] > 0
    assert seen.at_the_cap["waiting (wait)"] > 0
    assert seen.at_the_cap.keys() <= {
        "failed (fail)",
        "waiting (wait)",
        "succeeded (fail)",
        "succeeded (wait)",
    }
