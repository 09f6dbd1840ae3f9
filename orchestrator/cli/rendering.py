"""Tasks and their results as a person reads them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from orchestrator.cli import findings, printing

if TYPE_CHECKING:
    from orchestrator.client import Task

STATUS_STYLES: Final = {
    "succeeded": "green",
    "failed": "red",
    "expired": "red",
    "canceled": "yellow",
    "canceling": "yellow",
    "running": "cyan",
}
_VERDICT_MARKS: Final = {"met": "✓", "not_met": "✗", "cant_tell": "?"}
_DIFF_STYLES: Final = (
    ("+++", "bold"),
    ("---", "bold"),
    ("diff ", "bold"),
    ("@@", "cyan"),
    ("+", "green"),
    ("-", "red"),
)


def summary(task: "Task", result: Mapping[str, Any] | None) -> str:
    """One line: how the task stands, who answered, how far it is verified, what it took and cost."""
    parts = [f"{task.kind} {task.status}"]
    if task.provider:
        parts.append(f"by {task.provider}{' (simulated)' if task.simulated else ''}")
    if result and "verification" in result:
        parts.append(f"verified: {result['verification']['level']}")
    if task.quality is not None:
        parts.append(f"quality: {task.quality}/100")
    parts.append(tokens(task))
    parts.append(cost(task))
    return " · ".join(parts)


def tokens(task: "Task") -> str:
    """What went in and what came out, or what came from the cache instead."""
    if task.usage.served_tokens:
        return f"{task.usage.served_tokens:,} tokens from the cache"
    return f"{task.usage.input_tokens:,} + {task.usage.output_tokens:,} tokens"


def cost(task: "Task") -> str:
    """The cost in dollars, and in how many calls."""
    calls = f"{task.cost.calls} call{'s' if task.cost.calls != 1 else ''}"
    return f"${task.cost.usd}{' (estimated)' if task.cost.estimated else ''} in {calls}"


def show_result(result: Mapping[str, Any]) -> None:
    """A result on standard output: a change as its diff, a review as its findings."""
    if result.get("type") == "code":
        show_diff(result["diff"])
    elif result.get("type") == "review":
        findings.show_review(result)
    elif result.get("type") == "embedding":
        printing.say(f"{len(result['vectors'])} vectors of {result['dimensions']} numbers: see -o json")
    elif result.get("type") == "chat":
        printing.write(printing.visible(result["text"].rstrip("\n")) + "\n")


def show_notes(result: Mapping[str, Any]) -> None:
    """What belongs to a result but not into a patch: on standard error, so that the diff can be piped."""
    for notice in result["verification"].get("notices", ()):
        printing.say(f"  ! {notice['kind']} in {notice['where']}: {notice['detail']}")
    if result.get("type") != "code":
        return
    if result["explanation"]:
        printing.say(result["explanation"].strip())
    for verdict in result["criteria"]:
        mark = _VERDICT_MARKS.get(verdict["verdict"], "?")
        where = f" ({verdict['evidence']})" if verdict.get("evidence") else ""
        printing.say(f"  {mark} {verdict['number']}. {verdict['criterion']}{where}")


def show_diff(diff: str) -> None:
    """A diff: coloured on a terminal, else byte for byte, ready for `git apply`."""
    from rich.text import Text

    if not printing.console_for_output().is_terminal:
        printing.write(diff)
        return
    lines = [
        Text(printing.visible(line), style=_diff_style(line)) for line in diff.removesuffix("\n").split("\n")
    ]
    printing.show(*lines, soft_wrap=True)


def _diff_style(line: str) -> str:
    return next((style for beginning, style in _DIFF_STYLES if line.startswith(beginning)), "")
