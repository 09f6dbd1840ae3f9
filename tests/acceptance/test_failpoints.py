"""A process is struck at each step of a task's way: the task succeeds once, and costs no call too many."""

from collections.abc import Iterator

import pytest

from tests.chaos.ground import ground, servers
from tests.chaos.scenes import LATENCY_MS, ONE_A_KIND, SHORT, Played, Scene
from tests.chaos.stage import play_all


@pytest.fixture(scope="module")
def played() -> Iterator[dict[str, Played]]:
    """Scenes played on one stack: most of their time is the start of processes, side by side."""
    with servers() as stack, ground(stack, SHORT, latency_ms=LATENCY_MS) as made:
        yield play_all(made, ONE_A_KIND)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("scene", ONE_A_KIND, ids=lambda scene: str(scene.name))
def test_a_strike_at_this_step_loses_nothing_and_pays_nothing_twice(
    scene: Scene, played: dict[str, Played]
) -> None:
    """
    Given a process that is killed or halted when it reaches the failpoint,
    when a task passes there, and the process is started again or goes on too late,
    then the task succeeds exactly once, with exactly the calls that this step must cost.
    """
    found = played[scene.name]
    assert found.struck, "the process was not struck where it should be"
    assert found.violations == ()
