"""The simulator as a process: it says where it listens, stops when told, and leaves its journal."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.integration.simulator.conftest import CHAT
from tests.integration.simulator.eventually import LIMIT_SECONDS, eventually

REQUEST = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "hello"}]}


@dataclass(frozen=True)
class Running:
    process: asyncio.subprocess.Process
    http: httpx.AsyncClient

    async def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        async with asyncio.timeout(LIMIT_SECONDS):
            return await self.process.wait()

    async def chat(self, call: str, fault: str = "") -> httpx.Response:
        headers = {"authorization": "Bearer x", "x-client-request-id": call, "x-simulator": fault}
        return await self.http.post(CHAT, json=REQUEST, headers=headers)


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "orchestrator.simulator",
        "--port",
        "0",
        "--latency-ms",
        "0",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(LIMIT_SECONDS):
            said = json.loads(await process.stdout.readline())
        assert said["event"] == "simulator.listening"
        async with httpx.AsyncClient(base_url=said["url"], trust_env=False, timeout=10) as http:
            yield Running(process, http)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_the_journal_outlives_a_kill_and_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    async with running("--journal", str(path)) as first:
        await first.chat("call-1")
        await eventually(_open_requests(first, 0))
        assert await first.stop(signal.SIGKILL) == -signal.SIGKILL
    async with running("--journal", str(path)) as second:
        await second.chat("call-2")
        bill = (await second.http.get("/simulator/bill")).json()
        found = (await second.http.get("/simulator/journal/call-1")).json()
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(line["n"], line["id"]) for line in lines] == [(1, "call-1"), (2, "call-2")]
    assert bill["total"]["nano_dollars"] == sum(line["billed_nano_dollars"] for line in lines)
    assert found == lines[:1]


async def test_a_running_answer_is_finished_before_the_end() -> None:
    async with running() as simulator:
        answer = asyncio.create_task(simulator.chat("call-1", "latency=500ms"))
        await eventually(_open_requests(simulator, 1))
        assert await simulator.stop(signal.SIGTERM) == 0
        assert (await answer).status_code == 200


async def test_a_stalled_request_does_not_hold_up_the_end(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    async with running("--journal", str(path)) as simulator:
        answer = asyncio.create_task(simulator.chat("call-1", "fault=no_first_token"))
        await eventually(_open_requests(simulator, 1))
        assert await simulator.stop(signal.SIGINT) == 0
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await answer
    assert json.loads(path.read_text(encoding="utf-8"))["outcome"] == "disconnected"


def _open_requests(simulator: Running, count: int) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        return bool((await simulator.http.get("/simulator/health")).json()["open"] == count)

    return reached
