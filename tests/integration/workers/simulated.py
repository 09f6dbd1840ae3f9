"""The simulator as a process, and what a test asks of it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from orchestrator import clock

PATIENCE = 10.0


@dataclass(frozen=True)
class Simulated:
    """A running simulator."""

    url: str
    http: httpx.Client

    @property
    def base_url(self) -> str:
        """Where OpenAI's API begins."""
        return f"{self.url}/openai/v1"

    def rules(self, *rules: dict[str, Any]) -> None:
        """Put these rules in force."""
        self.http.put("/simulator/rules", json=list(rules)).raise_for_status()

    def entry(self, call_id: UUID) -> dict[str, Any]:
        """The journal's one entry of a call, once it is closed."""
        until = clock.monotonic() + PATIENCE
        while True:
            entries: list[dict[str, Any]] = self.http.get(f"/simulator/journal/{call_id}").json()
            if len(entries) == 1 and entries[0]["outcome"] != "open":
                return entries[0]
            assert clock.monotonic() < until, entries
            clock.pause(0.01)

    def requests(self) -> int:
        """How many requests ever came."""
        health = self.http.get("/simulator/health").json()
        return int(health["finished"]) + int(health["open"])


@contextmanager
def simulating() -> Iterator[Simulated]:
    """A simulator on a free port, that answers at once."""
    command = [sys.executable, "-m", "orchestrator.simulator", "--port", "0", "--latency-ms", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            with httpx.Client(base_url=url, trust_env=False, timeout=10) as http:
                yield Simulated(url, http)
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)
