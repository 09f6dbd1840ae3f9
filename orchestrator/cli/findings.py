"""A review as a person reads it: what was found, where, in which lines, and what to put in their place.

Each finding is a heading (severity, place, what it says of itself), the quoted lines with their numbers and
the suggestion as a small diff, the explanation. Colours only on a terminal; a narrow one wraps, and
loses nothing.
"""

import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from orchestrator.cli import printing

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

_STYLES: Final = {
    "critical": "bold white on red", "high": "bold red", "medium": "bold yellow", "low": "bold cyan",
    "info": "bold blue",
}  # fmt: skip
_INDENT: Final = 2
_MOST_LINES: Final = 24
"""Lines of a quote or suggestion that are shown; the rest is counted."""


def show_review(review: Mapping[str, Any]) -> None:
    """The summary, each finding, and what was left out with the reason."""
    printing.show(*_blocks(review), soft_wrap=False)


def _blocks(review: Mapping[str, Any]) -> "Iterator[RenderableType]":
    from rich.text import Text

    if review["summary"]:
        yield Text(printing.visible(review["summary"]))
    for finding in review["findings"]:
        yield Text("")
        yield from _finding(finding)
    yield Text("")
    yield _tally(review["findings"])
    for told in _left_out(review):
        yield Text(told, style="dim")


def place(finding: Mapping[str, Any]) -> str:
    """`file:line` of a finding."""
    line = finding.get("start_line")
    return printing.visible(f"{finding['file']}:{line}" if line else str(finding["file"]))


def _finding(finding: Mapping[str, Any]) -> "Iterator[RenderableType]":
    from rich.padding import Padding
    from rich.text import Text

    severity = str(finding["severity"])
    yield Text.assemble(
        (severity, _STYLES.get(severity, "bold")),
        " ",
        (place(finding), "bold underline"),
        (" (removed)" if finding["side"] == "old" else "", "dim"),
        (f"  {finding['category']}{_standing(finding)}", "dim"),
        overflow="fold",
    )
    yield _padded(Text(printing.visible(finding["title"]), style="bold"))
    yield Padding(_code(finding), (0, 0, 0, _INDENT), expand=False)
    if finding["body"].strip() and finding["body"].strip() != finding["title"]:
        yield _padded(Text(printing.visible(finding["body"].strip())))
    if finding.get("note"):
        yield _padded(Text(printing.visible(finding["note"]), style="dim italic"))


def _padded(text: "Text") -> "RenderableType":
    from rich.padding import Padding

    return Padding(text, (0, 0, 0, _INDENT), expand=False)


def _standing(finding: Mapping[str, Any]) -> str:
    """How sure it is, in few words."""
    judgement = finding.get("judgement")
    if judgement and judgement["opinion"] == "unverified":
        return " · unverified"
    if judgement and judgement.get("score") is not None:
        return f" · verified {judgement['score']}/10"
    return f" · sure {finding['confidence']}/10" if finding.get("confidence") is not None else ""


def _code(finding: Mapping[str, Any]) -> "Text":
    """The quoted lines with their numbers; those that the suggestion replaces, and what it puts there."""
    from rich.text import Text

    quoted = _lines(finding["quote"])
    suggestion = finding.get("suggestion")
    suggested = _lines(suggestion) if suggestion else None
    first = finding.get("start_line")
    width = len(str((first or 1) + len(quoted) - 1))
    marks = _marked(quoted, suggested)
    indent = _common_indent([*quoted, *(suggested or [])])
    shown = Text(overflow="fold")
    number = first
    for at, (mark, line) in enumerate(marks):
        if at == _MOST_LINES:
            shown.append(f"{'':>{width}} │ … {len(marks) - at} more lines", style="dim")
            break
        told = "" if number is None or mark == "+" else str(number)
        number = number if number is None or mark == "+" else number + 1
        shown.append(f"{told:>{width}} │", style="dim")
        style = {"-": "red", "+": "green"}.get(mark, "")
        gutter = f" {mark} " if suggested is not None else " "
        shown.append(f"{gutter}{printing.visible(line[indent:])}".rstrip(), style=style)
        shown.append("\n" if at + 1 < len(marks) else "")
    return shown


def _marked(quoted: list[str], suggested: list[str] | None) -> list[tuple[str, str]]:
    """Each line with a diff's mark; lines that the suggestion leaves alone have none."""
    from difflib import SequenceMatcher

    if suggested is None:
        return [(" ", line) for line in quoted]
    marked: list[tuple[str, str]] = []
    for what, old, old_end, new, new_end in SequenceMatcher(
        None, quoted, suggested, autojunk=False
    ).get_opcodes():
        if what == "equal":
            marked += [(" ", line) for line in quoted[old:old_end]]
        else:
            marked += [("-", line) for line in quoted[old:old_end]]
            marked += [("+", line) for line in suggested[new:new_end]]
    return marked


def _lines(text: str) -> list[str]:
    return [line.expandtabs(4) for line in text.strip("\n").split("\n")]


def _common_indent(lines: list[str]) -> int:
    filled = [line for line in lines if line.strip()]
    return len(filled[0]) - len(textwrap.dedent("\n".join(filled)).split("\n")[0]) if filled else 0


def _tally(findings: list[Mapping[str, Any]]) -> "Text":
    from rich.text import Text

    if not findings:
        return Text("No findings.", style="bold green")
    counts = [(name, sum(each["severity"] == name for each in findings)) for name in _STYLES]
    parts = ", ".join(f"{count} {name}" for name, count in counts if count)
    return Text(f"{len(findings)} finding{'s' if len(findings) != 1 else ''}: {parts}", style="bold")


def _left_out(review: Mapping[str, Any]) -> Iterator[str]:
    unanchored, dropped = len(review.get("unanchored") or ()), len(review.get("dropped") or ())
    if dropped:
        yield f"{dropped} more did not reach the threshold: see -o json"
    if unanchored:
        yield f"{unanchored} more whose quote stands nowhere in the change: see -o json"
    if any(
        each.get("judgement") and each["judgement"]["opinion"] == "unverified" for each in review["findings"]
    ):
        checks = review["verification"]["checks"]
        yield next((f"verifier: {each['detail']}" for each in checks if each["name"] == "verifier"), "")
