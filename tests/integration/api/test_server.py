"""The API as a process: it says where it listens, and stops without leaving anybody hanging."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import orjson
import pytest

from orchestrator.config import Config
from tests.integration.api.visitor import Visitor


@asynccontextmanager
async def server(settings: Config) -> AsyncIterator[tuple[Process, str]]:
    environment = os.environ | {
        "ORCHESTRATOR_DATABASE_URL": settings.database_url or "",
        "ORCHESTRATOR_BROKER_URL": settings.broker_url or "",
    }
    command = (sys.executable, "-m", "orchestrator.server", "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=PIPE)
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 20)
        yield process, orjson.loads(line)["url"]
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_answers_who_waits_and_ends_streams(
    settings: Config, caller: Visitor, number: signal.Signals
) -> None:
    async with server(settings) as (process, url), httpx.AsyncClient(base_url=url, timeout=30) as http:
        visitor = Visitor(caller.parts, http, caller.tenant_id, caller.key)
        task = await visitor.submit()
        waiting = asyncio.create_task(visitor.get(task.links.status, Prefer="wait=60"))
        headers = {"Authorization": f"Bearer {caller.key}", "Accept": "text/event-stream"}
        async with http.stream("GET", task.links.events, headers=headers) as stream:
            lines = stream.aiter_lines()
            assert [await anext(lines) for _ in range(3)] == ["retry: 1000", "", "id: 1"]
            process.send_signal(number)
            rest = [line async for line in lines]
        assert (await waiting).json()["status"] == "queued"
        assert await asyncio.wait_for(process.wait(), 10) == 0
    assert "id: 2" not in rest


async def test_a_taken_address_is_a_clear_refusal(settings: Config) -> None:
    async with server(settings) as (_, url):
        port = url.rpartition(":")[2]
        second = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "orchestrator.server", "--port", port),
            env=os.environ
            | {
                "ORCHESTRATOR_DATABASE_URL": settings.database_url or "",
                "ORCHESTRATOR_BROKER_URL": settings.broker_url or "",
            },
            stderr=PIPE,
        )
        _, said = await asyncio.wait_for(second.communicate(), 20)
    assert second.returncode == 2
    assert b"in use" in said
    assert b"Traceback" not in said
