"""Waiting for a condition with a limit, in place of sleeping for a while."""

import asyncio
from collections.abc import Awaitable, Callable

LIMIT_SECONDS = 10.0


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return as soon as the condition holds; TimeoutError when it never does."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.01)
