"""Clients under fire: each submits its task under a key, and again under the same key until it is told."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from tests.chaos.asks import SLOPPILY, ask
from tests.chaos.ground import LANES, Ground
from tests.chaos.records import Submission

AT_ONCE = 32
PATIENCE_SECONDS = 60.0
SLOPPY_ONE_IN = 12
TIGHT = "tight"
"""A session whose budget has room for a few calls at a time."""
TIGHT_ONE_IN = 4


@dataclass(frozen=True, slots=True)
class Load:
    """How many tasks, and how many of them a second. `anywhere`: each may go to any provider."""

    tasks: int
    pace: float
    seed: int
    name: str = "chaos"
    anywhere: bool = False


async def submit_all(ground: Ground, load: Load) -> tuple[Submission, ...]:
    """All tasks at the given pace; what each client was told in the end."""
    return await submit_bodies(ground, _bodies(load), load.pace, f"{load.name}-{load.seed}")


def _bodies(load: Load) -> list[dict[str, Any]]:
    dice = random.Random(load.seed)
    bodies = []
    for number in range(load.tasks):
        manner = SLOPPILY if number % SLOPPY_ONE_IN == 0 else "carefully"
        lane = dice.choice(list(LANES))
        wishes = {"preferred": [lane]} if load.anywhere else {"providers": [lane]}
        body = ask(number, provider=lane, manner=manner) | {"preferences": wishes | {"max_attempts": 20}}
        bodies.append(body | ({"session_id": TIGHT} if number % TIGHT_ONE_IN == 0 else {}))
    return bodies


async def submit_bodies(
    ground: Ground, bodies: Sequence[dict[str, Any]], pace: float, run: str
) -> tuple[Submission, ...]:
    """These bodies, each under a key that begins with the run's name."""
    free = asyncio.Semaphore(AT_ONCE)
    headers = {"Authorization": f"Bearer {ground.door.key}"}
    async with (
        httpx.AsyncClient(base_url=ground.door.url, headers=headers, timeout=10, trust_env=False) as http,
        asyncio.TaskGroup() as clients,
    ):
        running = []
        for number, body in enumerate(bodies):
            running.append(clients.create_task(_client(http, free, f"{run}-{number}", body)))
            await asyncio.sleep(1 / pace)
    return tuple(one.result() for one in running)


async def _client(
    http: httpx.AsyncClient, free: asyncio.Semaphore, key: str, body: dict[str, Any]
) -> Submission:
    async with free:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await _told(http, key, body)
        except TimeoutError:
            return Submission(key, None)


async def _told(http: httpx.AsyncClient, key: str, body: dict[str, Any]) -> Submission:
    while True:
        try:
            response = await http.post("/api/v1/tasks", json=body, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            response = None
        if response is not None and response.status_code < 400:
            replayed = response.headers.get("Idempotent-Replayed") == "true"
            return Submission(key, UUID(response.json()["id"]), recovered=replayed)
        if response is not None and response.status_code == 402:
            return Submission(key, None, refused=True)
        if response is not None and response.status_code < 500:
            raise AssertionError(f"refused with {response.status_code}: {response.text}")
        await asyncio.sleep(random.uniform(0.05, 0.3))
