"""How the demo looks on the terminal."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from orchestrator.cli import printing, rendering

if TYPE_CHECKING:
    from orchestrator.client import Task

_WIDEST = 100


class Stage:
    """Prints scene by scene; every scene has a number."""

    def __init__(self) -> None:
        self._scene = 0

    def scene(self, kind: str, description: str) -> None:
        """A new scene begins."""
        self._scene += 1
        title = Text(f"{self._scene}. {kind}", style="bold")
        told = textwrap.fill(printing.visible(description), _width())
        printing.show(Text(), title, Text(told, style="italic"))

    def facts(self, task: "Task", seconds: float) -> None:
        """How the task ended, who answered, what it took and cost."""
        style = rendering.STATUS_STYLES.get(task.status, "")
        lines = [Text(), Text.assemble("status    ", (str(task.status), style), f" after {seconds:.1f} s")]
        provider = (
            f"{task.provider}, simulated: a script answered, no model was asked" if task.simulated else None
        )
        lines.append(Text(f"provider  {provider or task.provider}"))
        if task.result:
            checks = task.result["verification"]
            lines.append(Text(printing.visible(f"verified  {checks['level']}{_details(checks)}")))
        lines.append(Text(f"tokens    {rendering.tokens(task)}"))
        lines.append(Text(f"cost      {rendering.cost(task)}"))
        if task.error:
            lines.append(
                Text(printing.visible(f"error     {task.error.message} [{task.error.code}]"), style="red")
            )
        printing.show(*lines, Text())

    def criteria(self, verdicts: Sequence[dict[str, Any]]) -> None:
        """The answer to each acceptance criterion."""
        lines = [f"  {verdict['verdict']:<10}{verdict['criterion']}" for verdict in verdicts]
        printing.show(Text(), *(Text(printing.visible(line)) for line in lines))

    def tell(self, line: str) -> None:
        """A line of the story."""
        printing.show(Text(printing.visible(line)))

    def judge(self, line: str, *, passed: bool) -> bool:
        """What the scene came to; the verdict is handed back."""
        mark = ("✓ ", "bold green") if passed else ("✗ ", "bold red")
        printing.show(Text(), Text.assemble(mark, printing.visible(line)))
        return passed

    def curtain(self, lines: Sequence[str]) -> None:
        """The end."""
        rule = Text("─" * _width(), style="dim")
        printing.show(Text(), rule, *(Text(printing.visible(line)) for line in lines))


def _width() -> int:
    return min(_WIDEST, printing.console_for_output().width)


def _details(verification: dict[str, Any]) -> str:
    """What was looked at and found good, where it was told."""
    told = [check["detail"] for check in verification["checks"] if check["passed"] and check["detail"]]
    return f" ({'; '.join(told)})" if told else ""
