"""The report: a table for people, JSON for programs, and the table of the README."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from rich.console import Console
from rich.table import Table

from ops.bench.figures import Figure
from ops.bench.machine import Machine

README: Final = Path(__file__).parent / "README.md"
_BEGIN: Final = "<!-- figures: written by `--write` -->"
_END: Final = "<!-- end of figures -->"
_HEADINGS: Final = ("measure", "ours", "goal", "", "plain", "ours / plain", "note")
_MET: Final = {True: "met", False: "missed", None: ""}


@dataclass(frozen=True, slots=True)
class Report:
    """What a run found."""

    machine: Machine
    command: str
    seconds: float
    figures: Sequence[Figure]

    def as_json(self) -> bytes:
        """The report as a program reads it."""
        figures: list[dict[str, Any]] = [figure.as_json() for figure in self.figures]
        whole = {"machine": asdict(self.machine), "command": self.command, "seconds": self.seconds}
        return orjson.dumps(whole | {"figures": figures}, option=orjson.OPT_INDENT_2)

    def show(self, console: Console) -> None:
        """Print the table."""
        table = Table(*_HEADINGS, caption=f"{self.machine}\n{self.command}: {self.seconds:.0f} s")
        for column in table.columns[1:2] + table.columns[4:6]:
            column.justify = "right"
        for figure in self.figures:
            table.add_row(*_cells(figure))
        console.print(table)

    def as_markdown(self) -> str:
        """The table with its facts, as it stands in the README."""
        rows = [_HEADINGS, ("---", "--:", "---", "---", "--:", "--:", "---")]
        lines = [f"| {' | '.join(row)} |" for row in [*rows, *map(_cells, self.figures)]]
        return "\n".join([f"{self.machine}. Command: `{self.command}`.", "", *lines])

    def write(self, readme: Path = README) -> None:
        """Put the table into the README, in the place of the one before. Raises `ValueError`."""
        before, began, rest = readme.read_text(encoding="utf-8").partition(_BEGIN)
        _, ended, after = rest.partition(_END)
        if not began or not ended:
            raise ValueError(f"{readme} has no place for the figures: {_BEGIN} … {_END}")
        readme.write_text(f"{before}{_BEGIN}\n{self.as_markdown()}\n{_END}{after}", encoding="utf-8")


def _cells(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        _quantity(figure.value, figure.unit),
        str(figure.goal) if figure.goal else "",
        _MET[figure.met],
        _quantity(figure.plain, figure.unit),
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
        figure.note,
    )


def _quantity(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    number = f"{value:,.{digits}f}"
    return f"{number}/s" if unit == "1/s" else f"{number} {unit}"
