"""Entity tags, when to ask again, and how long to wait."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from starlette.requests import Request

from orchestrator.api.replies import _retry_after, entity_tag, has_it, wait_asked
from orchestrator.store.views import State
from schemas.tasks import TaskStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def state(**changed: Any) -> State:
    given: dict[str, Any] = {
        "id": uuid4(),
        "tenant_id": uuid4(),
        "kind": "fix_bug",
        "status": TaskStatus.QUEUED,
        "attempt": 0,
        "event_seq": 1,
        "created_at": NOW,
        "queued_at": NOW,
        "started_at": None,
        "finished_at": None,
        "status_reason": "waiting_for_worker",
        "next_attempt_at": None,
    }
    return State(**(given | changed))


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


@pytest.mark.parametrize(
    "change",
    [{"event_seq": 2}, {"status_reason": "queue_paused"}, {"status": TaskStatus.RUNNING}, {"attempt": 1}],
)
def test_a_tag_changes_with_what_can_be_seen(change: dict[str, Any]) -> None:
    assert entity_tag(state(**change)) != entity_tag(state())


@pytest.mark.parametrize(
    ("given", "has"),
    [('"a"', True), ('W/"a"', True), ('"x", "a"', True), ("*", True), ('"b"', False), ("a", False)],
)
def test_versions_are_compared_weakly(given: str, has: bool) -> None:
    assert has_it(request(if_none_match=given), '"a"') is has


@pytest.mark.parametrize(("age", "seconds"), [(0, 1), (9, 1), (50, 5), (299, 30), (100_000, 30)])
def test_an_older_task_is_asked_for_less_often(age: int, seconds: int) -> None:
    assert _retry_after(state(), NOW + timedelta(seconds=age)) == seconds


@pytest.mark.parametrize(("ahead", "seconds"), [(-5, 1), (0.5, 1), (42, 42), (86_400, 300)])
def test_a_planned_attempt_is_waited_for(ahead: float, seconds: int) -> None:
    planned = state(next_attempt_at=NOW + timedelta(seconds=ahead))
    assert _retry_after(planned, NOW) == seconds


def test_a_running_task_counts_from_its_start() -> None:
    running = state(status=TaskStatus.RUNNING, started_at=NOW + timedelta(seconds=500))
    assert _retry_after(running, NOW + timedelta(seconds=501)) == 1


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=5", 5),
        ("respond-async, wait=10", 10),
        ("WAIT = 7", 7),
        ("wait=3600", 60),
        ("wait=-1", None),
        ("wait=soon", None),
        ("await=5", None),
        ("", None),
    ],
)
def test_a_wish_to_wait_is_read_and_bounded(prefer: str, seconds: int | None) -> None:
    assert wait_asked(request(prefer=prefer)) == seconds
