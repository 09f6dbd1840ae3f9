"""The history of a session: in its order, marked, bounded, before the task's own words."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from schemas.sessions import EarlierTask
from schemas.tasks import TASK_REQUEST, ChatRequest, FixBugRequest, TaskKind
from workers.context import with_history
from workers.context.render import render

FILES = [{"path": "a.py", "content": "x = 1\n"}]


def earlier(number: int, length: int = 0) -> EarlierTask:
    return EarlierTask(
        kind=TaskKind.FIX_BUG,
        finished_at=datetime(2026, 11, 25, 10, number, tzinfo=UTC),
        asked=f"asked {number}" + " why" * length,
        answered=f"answered {number}" + " so" * length,
    )


def test_the_history_stands_before_the_tasks_own_messages_the_oldest_first() -> None:
    body = {"description": "d", "files": FILES, "messages": [{"role": "user", "content": "own"}]}
    request = TASK_REQUEST.validate_python({"kind": "fix_bug", "context": body})
    told, tasks, messages = with_history(request, [earlier(2), earlier(1)], 10_000)
    assert isinstance(told, FixBugRequest)
    assert (tasks, messages) == (2, 4)
    assert [each.content for each in told.context.messages] == [
        "[Earlier task of this session: fix_bug, 2026-11-25T10:01:00+00:00]\nasked 1",
        "answered 1",
        "[Earlier task of this session: fix_bug, 2026-11-25T10:02:00+00:00]\nasked 2",
        "answered 2",
        "own",
    ]
    assert '<message role="assistant">\nanswered 2\n</message>' in render(told)[-1].content


@pytest.mark.parametrize("most", [300, 1_000, 5_000, 20_000])
def test_it_keeps_to_its_bound_and_leaves_out_the_oldest(most: int) -> None:
    request = TASK_REQUEST.validate_python({"kind": "chat", "context": {"prompt": "now"}})
    told, tasks, _ = with_history(request, [earlier(number, 1_000) for number in range(30, 0, -1)], most)
    assert isinstance(told, ChatRequest)
    said = [each.content for each in told.context.conversation]
    assert said[-1] == "now"
    assert sum(len(each.encode()) for each in said[:-1]) <= most
    if tasks:
        assert said[0].startswith("[Older tasks of this session are left out.]")
        assert "answered 30" in said[-2]
    assert tasks < 30


def test_where_there_is_no_room_or_no_past_the_request_stays_as_it_is() -> None:
    request = TASK_REQUEST.validate_python({"kind": "chat", "context": {"prompt": "now"}})
    assert with_history(request, [earlier(1)], 50) == (request, 0, 0)
    assert with_history(request, [], 10_000) == (request, 0, 0)
    assert with_history(request, [earlier(1)], -5) == (request, 0, 0)


@pytest.mark.parametrize("kind", ["chat", "fix_bug"])
def test_a_history_without_a_session_is_refused_with_the_field_to_give(kind: str) -> None:
    context = {"prompt": "now"} if kind == "chat" else {"description": "d", "files": FILES}
    body = {"kind": kind, "context": context | {"session_history": True}}
    with pytest.raises(ValidationError, match=r"session_id: context\.session_history needs"):
        TASK_REQUEST.validate_python(body)
    assert TASK_REQUEST.validate_python(body | {"session_id": "s-1"}).session_id == "s-1"
