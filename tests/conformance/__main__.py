"""`python -m tests.conformance`: plays every scene on every wire, of answers and of vectors, and prints both.

The exit code is that of the tests. A wire that nobody speaks yet has a column of dashes.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from typing import Final

import pytest
from rich.console import Console
from rich.table import Table

from tests.conformance.embedders import EMBEDDERS, EMBEDDING_SCENES
from tests.conformance.scenes import SCENES, Scene
from tests.conformance.wires import PLAYED, TABLE, WAITING, Spoken

_PLAYED: Final = re.compile(r"test_a_scene_(of_vectors_)?is_taken.*\[(\w+)-(.+)\]$")
WIDTH: Final = 120
_MARKS: Final = {"passed": "[green]ok[/]", "failed": "[red]FAILED[/]", "xfailed": "[yellow]not yet[/]"}


class Notes:
    """Writes down how each scene went on each wire."""

    def __init__(self) -> None:
        self.outcomes: dict[tuple[bool, str, str], str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test's setup, call or teardown has ended."""
        found = _PLAYED.search(report.nodeid)
        if found is None or (report.when != "call" and report.passed):
            return
        outcome = "xfailed" if hasattr(report, "wasxfail") and report.skipped else report.outcome
        self.outcomes[found[1] is not None, found[2], found[3]] = outcome

    def rows(
        self, scenes: Sequence[Scene], wires: Sequence[Spoken], *, vectors: bool
    ) -> Iterator[tuple[str, ...]]:
        """A row a scene: its name, and a mark for each wire."""
        for scene in scenes:
            told = (self.outcomes.get((vectors, line.name, scene.name), "") for line in wires)
            yield (scene.name, *(_MARKS.get(each, "–") for each in told))


def main() -> int:
    """Play, print, and return the exit code."""
    notes = Notes()
    code = pytest.main(["tests/conformance", "-q", *sys.argv[1:]], plugins=[notes])
    console = Console(width=WIDTH, soft_wrap=True)
    played = (("Scenes on wires", SCENES, TABLE), ("Scenes of vectors", EMBEDDING_SCENES, EMBEDDERS))
    for title, scenes, wires in played:
        table = Table("scene", *(line.name for line in wires), title=title)
        for row in notes.rows(scenes, wires, vectors=wires is EMBEDDERS):
            table.add_row(*row)
        console.print(table)
    waiting = ", ".join(line.name for line in WAITING) or "none"
    console.print(
        f"{len(SCENES)} scenes on {len(PLAYED)} wires, "
        f"{len(EMBEDDING_SCENES)} of vectors on {len(EMBEDDERS)}; wires that nobody speaks yet: {waiting}."
    )
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
