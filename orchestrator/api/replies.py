"""Responses, and what HTTP wants around them: entity tags, `Retry-After`, `Prefer: wait`."""

import re
from datetime import datetime
from math import ceil
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from orchestrator import clock
from orchestrator.store.views import State
from schemas.tasks import TaskStatus

LONGEST_WAIT: Final = 60
_LONGEST_RETRY: Final = 30
_LONGEST_PLANNED: Final = 300
_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*(\d{1,9})(?=$|[,;\s])", re.IGNORECASE)


def json_reply(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response."""
    content = orjson.dumps(body, option=orjson.OPT_UTC_Z)
    return Response(content, status, headers=headers, media_type="application/json")


def entity_tag(state: State, include: frozenset[str] = frozenset()) -> str:
    """Changes whenever what can be seen of the task changes; another one for other parts of it."""
    parts = [
        str(state.event_seq),
        state.status,
        str(state.attempt),
        state.status_reason or "",
        str(state.next_attempt_at.timestamp()) if state.next_attempt_at else "",
        *sorted(include),
    ]
    return f'"{".".join(parts)}"'


def has_it(request: Request, tag: str) -> bool:
    """Whether the client said that it has this version (weak comparison)."""
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    return given.strip() == "*" or tag in (each.strip().removeprefix("W/") for each in given.split(","))


def state_headers(state: State, include: frozenset[str] = frozenset()) -> dict[str, str]:
    """The headers of every answer about a task."""
    headers = {"ETag": entity_tag(state, include)}
    if not state.status.terminal:
        headers["Retry-After"] = str(_retry_after(state, clock.now()))
    return headers


def _retry_after(state: State, now: datetime) -> int:
    """Seconds until it pays to ask again: soon while it is young, seldom when it is old or planned."""
    if state.next_attempt_at is not None:
        return max(1, min(_LONGEST_PLANNED, ceil((state.next_attempt_at - now).total_seconds())))
    since = state.started_at if state.status is TaskStatus.RUNNING else state.queued_at
    age = (now - (since or state.created_at)).total_seconds()
    return max(1, min(_LONGEST_RETRY, ceil(age / 10)))


def wait_asked(request: Request) -> int | None:
    """The seconds of `Prefer: wait=N`, at most 60; None where nobody asks."""
    found = _WAIT.search(request.headers.get("prefer", ""))
    return min(int(found[1]), LONGEST_WAIT) if found else None
