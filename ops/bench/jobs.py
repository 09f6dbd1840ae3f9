"""Jobs for the load generator, and how to have one done."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

ROOT: Final = Path(__file__).resolve().parents[2]

Sent = tuple[float, str]
"""When a request left, in epoch seconds, and the id that the answer gave."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One HTTP request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """Requests in turn, until `count` or `seconds`; as fast as the connections allow, or at a `rate`."""

    host: str
    port: int
    asks: tuple[Ask, ...]
    concurrency: int
    count: int | None = None
    seconds: float | None = None
    rate: float | None = None
    keep_ids: bool = False

    @classmethod
    def from_json(cls, data: bytes) -> "Job":
        """The job that was written with `orjson.dumps`."""
        given: dict[str, Any] = orjson.loads(data)
        return cls(**{**given, "asks": tuple(Ask(**ask) for ask in given["asks"])})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job: answers by status, durations in seconds, latencies in milliseconds."""

    statuses: dict[int, int]
    seconds: float
    cpu_seconds: float
    latencies: list[float]
    sent: list[Sent] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many requests were made."""
        return sum(self.statuses.values())

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.count / self.seconds


class Unexpected(Exception):
    """The load was not answered as it should be."""


class Load:
    """A generator at work."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ops.bench.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            start_new_session=True,
        )
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(orjson.dumps(job))
        stdin.close()
        self._process.stdin = None

    def outcome(self, *expected: int, within: float = 90) -> Outcome:
        """Wait for the end; raises `Unexpected` where an answer had another status than the expected."""
        try:
            output, _ = self._process.communicate(timeout=within)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        if self._process.returncode:
            raise Unexpected(f"the load generator ended with {self._process.returncode}")
        given: dict[str, Any] = orjson.loads(output)
        statuses = {int(status): count for status, count in given["statuses"].items()}
        if set(statuses) - set(expected):
            raise Unexpected(f"answers by status: {statuses}; expected only {expected}")
        sent = [(float(at), str(task_id)) for at, task_id in given["sent"]]
        return Outcome(statuses, given["seconds"], given["cpu_seconds"], given["latencies"], sent)


def done(job: Job, *expected: int) -> Outcome:
    """The outcome of a job."""
    return Load(job).outcome(*expected)
