"""The broker goes away under running tasks: the processes stay, and what was in it is repeated."""

from collections.abc import Iterator

import pytest

from tests.chaos import reading
from tests.chaos.asks import SLOWLY, ask
from tests.chaos.checker import check
from tests.chaos.children import eventually
from tests.chaos.ground import Ground, ground, servers, submitted
from tests.chaos.records import Submission
from tests.chaos.scenes import LATENCY_MS, SHORT
from tests.chaos.stage import opened, start_worker

LANE = "first"
TASKS = 3
"""Fewer than the worker has slots: a full one does not listen to the broker, and notices nothing."""
_RUNNING = "SELECT count(*) FROM calls WHERE status = 'started'"


@pytest.fixture
def made() -> Iterator[Ground]:
    """A dispatcher, the API and one worker."""
    with servers() as stack, ground(stack, SHORT, latency_ms=LATENCY_MS) as made:
        opened(made)
        start_worker(made, LANE)
        yield made


@pytest.mark.timeout(120)
def test_a_worker_lives_on_when_the_broker_is_lost_under_its_tasks(made: Ground) -> None:
    """
    Given a worker in the middle of calls, with messages it has not acknowledged,
    when the broker dies and comes back empty: at once, and later after all these calls have ended,
    then the same process finishes them, takes new tasks, and every task succeeds once.
    """
    submissions = [_submit(made, number, "carefully") for number in range(TASKS)]
    eventually(lambda: _running(made), "a call is under way")
    made.stack.valkey.kill()
    made.stack.valkey.start()
    eventually(lambda: not reading.under_way(made.database_url), "what was under way has ended")
    submissions += [_submit(made, TASKS + number, SLOWLY) for number in range(TASKS)]
    eventually(lambda: _running(made) == TASKS, "all calls are under way")
    made.stack.valkey.kill()
    eventually(lambda: not reading.under_way(made.database_url), "what was under way has ended")
    made.stack.valkey.start()
    submissions += [_submit(made, 2 * TASKS + number, "carefully") for number in range(TASKS)]
    made.settled(30)
    assert made.dead == []
    assert check(reading.history(made.database_url, made.journal, tuple(submissions))) == ()


def _submit(made: Ground, number: int, manner: str) -> Submission:
    key = f"broker-{number}"
    return Submission(key, submitted(made, key, ask(number, provider=LANE, manner=manner)))


def _running(made: Ground) -> int:
    with reading.connect(made.database_url) as connection:
        row = connection.execute(_RUNNING).fetchone()
    return int(row[0]) if row else 0
