"""Waiting for an answer within the request that asked for it; whoever leaves takes the task along.

With an Idempotency-Key the task stays: its owner can come back for the answer.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar
from uuid import UUID

from starlette.requests import Request

from orchestrator.api.doorway import Visit
from orchestrator.flow.cancel import cancel
from schemas.errors import OrchestratorError

T = TypeVar("T")
GONE: Final = 499
"""The status of what nobody reads any more."""

_parting: set[asyncio.Task[None]] = set()


class Gone(Exception):
    """The client has left."""


async def while_there(request: Request, waiting: Coroutine[Any, Any, T]) -> T:
    """What a coroutine comes to. Raises `Gone` if the client leaves before, and ends it."""
    loop = asyncio.get_running_loop()
    working, leaving = loop.create_task(waiting), loop.create_task(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Gone
        return working.result()
    finally:
        for each in (working, leaving):
            each.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


def abandon(visit: Visit, task_id: UUID) -> None:
    """Cancel a task that nobody waits for any more; the request itself may be at its end."""
    parting = asyncio.get_running_loop().create_task(_cancel(visit, task_id))
    _parting.add(parting)
    parting.add_done_callback(_parting.discard)


async def _cancel(visit: Visit, task_id: UUID) -> None:
    with suppress(OrchestratorError):
        await cancel(visit.parts, visit.tenant_id, task_id)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
