"""One entry per request received, kept until the simulator is reset.

An entry is `open` while its request runs and gets its number when it ends, so that a reader who goes on
after the last number misses nothing. Finished entries are kept as JSON lines, the same that go to the
file: the newest 200,000 in memory, while the bill counts all of them.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

import orjson

from orchestrator.simulator import models
from orchestrator.simulator.bill import Bill, Line
from orchestrator.simulator.wire import Usage

MAX_ENTRIES: Final = 200_000


@dataclass(slots=True)
class Entry:
    """What is known of one request; times are epoch seconds, None where that moment never came.

    `id` is the client's call id, `n` the number in the journal.
    """

    id: str | None
    request_id: str
    account: str
    path: str
    received_at: float
    request_bytes: int
    wire: str = "openai_chat"
    vendor: str = models.OPENAI
    n: int | None = None
    model: str = ""
    served_model: str | None = None
    served_tier: str | None = None
    streamed: bool = False
    prompt_sha256: str | None = None
    fault: str | None = None
    status: int | None = None
    outcome: str = "open"
    finish_reason: str | None = None
    first_sent_at: float | None = None
    ended_at: float | None = None
    response_bytes: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    billed_nano_dollars: int = 0

    def count(self, usage: Usage) -> None:
        """Take over the tokens that were used."""
        self.prompt_tokens = usage.prompt
        self.cached_tokens = usage.cached
        self.cache_write_tokens = usage.written
        self.completion_tokens = usage.completion
        self.reasoning_tokens = usage.reasoning


class Journal:
    """All entries and the bill they add up to."""

    def __init__(self, path: Path | None = None, keep: int = MAX_ENTRIES) -> None:
        self.bill = Bill()
        self.finished = 0
        self._keep = keep
        self._lines: deque[tuple[str | None, bytes]] = deque()
        self._numbers: dict[str, int | deque[int]] = {}
        self._open: dict[str, Entry] = {}
        self._path = path
        self._file = self._resume(path) if path else None

    def begin(self, entry: Entry) -> None:
        """A request has arrived."""
        self._open[entry.request_id] = entry

    def end(self, entry: Entry) -> None:
        """The request is over: number it, book it, write it down. A second end changes nothing."""
        if self._open.pop(entry.request_id, None) is None:
            return
        entry.n = self.finished + 1
        # orjson hands back a buffer of several kilobytes; the copy keeps only what is in it.
        line = bytes(memoryview(orjson.dumps(entry)))
        self._append(entry, line)
        if self._file:
            self._file.write(line.decode() + "\n")
            self._file.flush()

    def page(self, after: int, limit: int) -> bytes:
        """The finished entries numbered above `after`, oldest first, and the open ones, as JSON."""
        skip = max(0, after - self._first + 1)
        lines = [line for _, line in islice(self._lines, skip, skip + limit)]
        last = max(after, self._first - 1) + len(lines)
        head = {"total": self.finished, "next": last, "has_more": last < self.finished, "open": self.open()}
        return orjson.dumps(head)[:-1] + b',"entries":[' + b",".join(lines) + b"]}"

    def of(self, correlation: str) -> list[Entry]:
        """Every entry of one correlation id that is still kept, the open ones last."""
        numbers = _several(self._numbers.get(correlation))
        finished = [_entry(self._lines[number - self._first][1]) for number in numbers]
        return finished + [entry for entry in self.open() if entry.id == correlation]

    def open(self) -> list[Entry]:
        """The requests that are still running."""
        return list(self._open.values())

    def open_count(self) -> int:
        """How many requests are still running."""
        return len(self._open)

    def reset(self) -> None:
        """Forget everything that is finished, in the file too; open requests stay."""
        self.bill = Bill()
        self.finished = 0
        self._lines.clear()
        self._numbers.clear()
        if self._file:
            self._file.truncate(0)

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()

    @property
    def _first(self) -> int:
        return self.finished - len(self._lines) + 1

    def _append(self, entry: Entry, line: bytes) -> None:
        self.finished += 1
        self._lines.append((entry.id, line))
        if entry.id is not None:
            known = self._numbers.get(entry.id)
            self._numbers[entry.id] = self.finished if known is None else _with(known, self.finished)
        if len(self._lines) > self._keep:
            self._drop_oldest()
        usage = Usage(
            entry.prompt_tokens,
            entry.cached_tokens,
            entry.completion_tokens,
            entry.reasoning_tokens,
            entry.cache_write_tokens,
        )
        model = entry.served_model or entry.model or "(none)"
        booked = Line(model, entry.vendor, entry.account, entry.wire)
        self.bill.add(booked, usage, entry.billed_nano_dollars)

    def _drop_oldest(self) -> None:
        correlation, _ = self._lines.popleft()
        if correlation is None:
            return
        numbers = self._numbers[correlation]
        if isinstance(numbers, deque) and len(numbers) > 1:
            numbers.popleft()
        else:
            del self._numbers[correlation]

    def _resume(self, path: Path) -> TextIO:
        """Read what an earlier run wrote; a last line that was torn by a kill is cut off."""
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = 0
        for line in _whole_lines(path):
            self._append(_entry(line), line.rstrip())
            whole += len(line)
        file = path.open("a", encoding="utf-8")
        file.truncate(whole)
        return file


def _several(numbers: int | deque[int] | None) -> Iterable[int]:
    """The entries of one id. Nearly all have one, and a bare number keeps that cheap."""
    if numbers is None:
        return ()
    return (numbers,) if isinstance(numbers, int) else numbers


def _with(numbers: int | deque[int], number: int) -> deque[int]:
    several = numbers if isinstance(numbers, deque) else deque([numbers])
    several.append(number)
    return several


def _entry(line: bytes) -> Entry:
    return Entry(**orjson.loads(line))


def _whole_lines(path: Path) -> Iterator[bytes]:
    if not path.exists():
        return
    with path.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                yield line
