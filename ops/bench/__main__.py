"""`python -m ops.bench`: runs the measures on this machine and prints what they found."""

import argparse
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from ops.bench.bench import Bench
from ops.bench.figures import Figure, merged
from ops.bench.jobs import ROOT, Unexpected
from ops.bench.machine import Machine, machine
from ops.bench.measures import MEASURES
from ops.bench.report import Report
from ops.bench.sizes import FULL, QUICK
from ops.bench.stage import Failed, stage
from orchestrator.embedded.errors import EmbeddedError

_WIDTH = 160
_NOTES = Console(stderr=True, highlight=False)


class _OutOfTime(Exception):
    """The run took longer than it may."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 1 where something could not be measured."""
    given = _options().parse_args(arguments)
    command = " ".join(["python -m ops.bench", *(sys.argv[1:] if arguments is None else arguments)])
    since = time.monotonic()
    sizes = QUICK if given.quick else FULL
    try:
        with _bounded(sizes.limit):
            found, figures = _run(given.data_dir, tuple(given.only or MEASURES), quick=given.quick)
    except (EmbeddedError, Failed, Unexpected) as error:
        _NOTES.print(f"[red]{type(error).__name__}[/red]: {error}")
        return 1
    except _OutOfTime:
        _NOTES.print(f"[red]given up[/red] after {sizes.limit:g} s")
        return 1
    except KeyboardInterrupt:
        _NOTES.print("stopped")
        return 130
    report = Report(found, command, time.monotonic() - since, figures)
    if given.json:
        sys.stdout.write(report.as_json().decode() + "\n")
    else:
        report.show(_wide())
    if given.write:
        report.write()
    return 0


def _run(data_dir: Path, chosen: tuple[str, ...], *, quick: bool) -> tuple[Machine, list[Figure]]:
    figures: list[Figure] = []
    with stage(data_dir, _NOTES.print) as made:
        found = machine(made)
        if not found.quiet:
            _NOTES.print(f"[yellow]others use {found.busy_percent:.0f} % of this machine[/yellow]")
        bench = Bench(made, QUICK if quick else FULL, _NOTES.print)
        for name in (name for name in MEASURES if name in chosen):
            _NOTES.print(f"{name} …")
            figures += MEASURES[name](bench)
    return found, merged(figures)


def _wide() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops.bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=MEASURES, metavar="MEASURE", help=f"of {', '.join(MEASURES)}"
    )
    parser.add_argument("--quick", action="store_true", help="small counts: a glance in 90 s at most")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--write", action="store_true", help="put the table into ops/bench/README.md")
    parser.add_argument("--data-dir", type=Path, default=ROOT / ".data" / "bench")
    return parser


@contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    """End the block after so many seconds, or on SIGTERM, in a way that lets everything be cleaned up."""

    def give_up(*_: object) -> None:
        raise _OutOfTime

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, give_up)
    signal.signal(signal.SIGTERM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    sys.exit(main())
