"""`python -m tests.conformance`: plays every scene on every wire and prints the table of both.

The exit code is that of the tests. A wire that nobody speaks yet has a column of dashes.
"""

import re
import sys
from collections.abc import Iterator
from typing import Final

import pytest
from rich.console import Console
from rich.table import Table

from tests.conformance.scenes import SCENES
from tests.conformance.wires import PLAYED, TABLE, WAITING

_PLAYED: Final = re.compile(r"test_a_scene_is_taken.*\[(\w+)-(.+)\]$")
WIDTH: Final = 120
_MARKS: Final = {"passed": "[green]ok[/]", "failed": "[red]FAILED[/]", "xfailed": "[yellow]not yet[/]"}


class Notes:
    """Writes down how each scene went on each wire."""

    def __init__(self) -> None:
        self.outcomes: dict[tuple[str, str], str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test's setup, call or teardown has ended."""
        found = _PLAYED.search(report.nodeid)
        if found is None or (report.when != "call" and report.passed):
            return
        outcome = "xfailed" if hasattr(report, "wasxfail") and report.skipped else report.outcome
        self.outcomes[found[1], found[2]] = outcome


def rows(outcomes: dict[tuple[str, str], str]) -> Iterator[tuple[str, ...]]:
    """A row a scene: its name, and a mark for each wire."""
    for scene in SCENES:
        marks = (_MARKS.get(outcomes.get((line.name, scene.name), ""), "–") for line in TABLE)
        yield (scene.name, *marks)


def main() -> int:
    """Play, print, and return the exit code."""
    notes = Notes()
    code = pytest.main(["tests/conformance", "-q", *sys.argv[1:]], plugins=[notes])
    table = Table("scene", *(line.name for line in TABLE), title="Scenes on wires")
    for row in rows(notes.outcomes):
        table.add_row(*row)
    console = Console(width=WIDTH, soft_wrap=True)
    console.print(table)
    waiting = ", ".join(line.name for line in WAITING) or "none"
    console.print(f"{len(SCENES)} scenes on {len(PLAYED)} wires; wires that nobody speaks yet: {waiting}.")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
