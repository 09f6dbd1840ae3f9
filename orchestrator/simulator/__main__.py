"""`python -m orchestrator.simulator`: runs the simulator in the foreground."""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

import uvloop

from orchestrator.simulator.server import Settings, run


def settings(arguments: Sequence[str] | None = None) -> Settings:
    """The settings on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m orchestrator.simulator",
        description="A stand-in for AI vendors with scripted answers, faults on demand and its own bill.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8099, help="0 takes any free port (default: 8099)")
    parser.add_argument(
        "--latency-ms", type=float, default=200.0, help="until the first byte of an answer (default: 200)"
    )
    parser.add_argument(
        "--journal", type=Path, metavar="PATH", help="append one JSON line per request to this file"
    )
    given = parser.parse_args(arguments)
    return Settings(given.host, given.port, given.latency_ms, given.journal)


def main() -> None:
    """Serve until told to stop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(settings()))


if __name__ == "__main__":
    main()
