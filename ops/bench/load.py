"""The load generator, a process of its own: reads a job from standard input, prints its outcome.

It speaks just enough HTTP/1.1 over kept-alive connections to cost little beside what it measures, and
tells what it cost. At a fixed rate a request's latency counts from the moment it was due.
"""

import asyncio
import gc
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Final, cast

import orjson
import uvloop

from ops.bench.jobs import Job, Outcome, Sent

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_NO_BODY: Final = (b"204", b"304")
_ID: Final = b'"id":"'
_ID_LENGTH: Final = 36
LOST: Final = 0
"""The status of a request whose connection broke."""


class Link(asyncio.Protocol):
    """A kept-alive connection with at most one request under way."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self._data = b""

    @property
    def open(self) -> bool:
        """Whether another request may go this way."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Send; the status and body to come. Raises `ConnectionError` when awaited if the link breaks."""
        self._data = b""
        self._waiting = asyncio.get_running_loop().create_future()
        if self._transport is None or self._transport.is_closing():
            self._waiting.set_exception(ConnectionResetError())
        else:
            self._transport.write(request)
        return self._waiting

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, found, body = self._data.partition(b"\r\n\r\n")
        if found and len(body) >= _length(head) and self._waiting is not None:
            self._waiting.set_result((int(head[9:12]), body))

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error or ConnectionResetError())

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()


def _length(head: bytes) -> int:
    if head[9:12] in _NO_BODY:
        return 0
    found = _LENGTH.search(head)
    if found is None:
        raise ValueError("an answer without a length")
    return int(found[1])


class Run:
    """One job under way."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._free: list[Link] = []
        self._requests = cycle([_encoded(job, number) for number in range(len(job.asks))])
        self._statuses: Counter[int] = Counter()
        self._latencies: list[float] = []
        self._sent: list[Sent] = []

    async def outcome(self) -> Outcome:
        """Do the job."""
        for _ in range(self._job.concurrency):
            self._free.append(await self._connect())
        cpu, start = time.process_time(), time.perf_counter()
        if self._job.rate is None:
            budget = self._budget(start)
            await asyncio.gather(*(self._visitor(budget) for _ in range(self._job.concurrency)))
        else:
            await self._paced(start, self._job.rate)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        for link in self._free:
            link.close()
        return Outcome(dict(self._statuses), seconds, cpu, self._latencies, self._sent)

    def _budget(self, start: float) -> Iterator[None]:
        """One item for each request that may still be made."""
        made = 0
        while self._job.count is None or made < self._job.count:
            if self._job.seconds is not None and time.perf_counter() - start >= self._job.seconds:
                return
            made += 1
            yield

    async def _visitor(self, budget: Iterator[None]) -> None:
        for _ in budget:
            await self._one(time.perf_counter())

    async def _paced(self, start: float, rate: float) -> None:
        running: set[asyncio.Task[None]] = set()
        for number, _ in enumerate(self._budget(start)):
            due = start + number / rate
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            task = asyncio.create_task(self._one(due))
            running.add(task)
            task.add_done_callback(running.discard)
        if running:
            await asyncio.wait(running)

    async def _one(self, due: float) -> None:
        request = next(self._requests)
        async with self._link() as link:
            sent_at = time.time()
            try:
                status, body = await link.ask(request)
            except ConnectionError:
                status, body = LOST, b""
        self._latencies.append((time.perf_counter() - due) * 1000)
        self._statuses[status] += 1
        if self._job.keep_ids:
            at = body.find(_ID) + len(_ID)
            self._sent.append((sent_at, body[at : at + _ID_LENGTH].decode()))

    @asynccontextmanager
    async def _link(self) -> AsyncIterator[Link]:
        link = self._free.pop() if self._free else await self._connect()
        try:
            yield link
        finally:
            if link.open:
                self._free.append(link)

    async def _connect(self) -> Link:
        loop = asyncio.get_running_loop()
        _, link = await loop.create_connection(Link, self._job.host, self._job.port)
        return link


def _encoded(job: Job, number: int) -> bytes:
    ask = job.asks[number]
    body = ask.body.encode()
    lines = [f"{ask.method} {ask.path} HTTP/1.1", f"Host: {job.host}:{job.port}"]
    lines += [f"{name}: {value}" for name, value in ask.headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def main() -> None:
    """Do the job of standard input."""
    job = Job.from_json(sys.stdin.buffer.read())
    gc.disable()
    outcome = uvloop.run(Run(job).outcome())
    sys.stdout.buffer.write(orjson.dumps(outcome, option=orjson.OPT_NON_STR_KEYS))


if __name__ == "__main__":
    main()
