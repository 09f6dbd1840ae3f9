"""Follow: a task's answer while it comes, and how it ended.

What Redis did not bring comes from Postgres when the task has ended: each character goes out once, and
all of them belong to one attempt.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson

from orchestrator.flow.watch import Watch
from orchestrator.store import views
from orchestrator.volatile.tail import Listener, Piece
from orchestrator.wiring import Parts
from schemas.tasks import TaskStatus

HEARTBEAT_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class Delta:
    """The next part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The task as it stands at the end: in a terminal state, or not where patience ended first."""

    task: views.TaskRow | None


async def follow(
    parts: Parts, watch: Watch, tenant_id: UUID, task_id: UUID, seconds: float
) -> AsyncIterator[Delta | Ended | None]:
    """Parts of the answer as they come, None where none came for a while, at last `Ended`."""
    said = _Said()
    with watch.tail.listening(task_id) as listener:
        ending = asyncio.ensure_future(watch.ended(tenant_id, task_id, seconds))
        try:
            while not ending.done():
                heard = await _heard(listener, ending)
                for text in map(said.next, listener.take()):
                    if text:
                        yield Delta(text)
                if not heard:
                    yield None
        finally:
            ending.cancel()
            await asyncio.gather(ending, return_exceptions=True)
    task = await views.task(parts.db, tenant_id, task_id, frozenset({"result"}))
    if task is not None and task.status is TaskStatus.SUCCEEDED and task.result is not None:
        rest = said.rest(str(orjson.loads(task.result).get("text", "")))
        if rest:
            yield Delta(rest)
    yield Ended(task)


async def _heard(listener: Listener, ending: "asyncio.Future[bool]") -> bool:
    """Whether something came, or the task ended, before it is time for a sign of life."""
    waking: asyncio.Future[bool] = asyncio.ensure_future(_woken(listener))
    try:
        done, _ = await asyncio.wait(
            {waking, ending}, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        waking.cancel()
    return bool(done)


async def _woken(listener: Listener) -> bool:
    return await listener.wake.wait()


class _Said:
    """What has gone out: the beginning of one attempt's answer."""

    def __init__(self) -> None:
        self._attempt: int | None = None
        self._length = 0

    def next(self, piece: Piece) -> str:
        """What of a piece is new; nothing where it does not join on."""
        if self._attempt not in (None, piece.attempt) or piece.at > self._length:
            return ""
        text = piece.text[self._length - piece.at :]
        if text:
            self._attempt = piece.attempt
            self._length += len(text)
        return text

    def rest(self, whole: str) -> str:
        """What of the whole answer is still to be said."""
        return whole[self._length :]
