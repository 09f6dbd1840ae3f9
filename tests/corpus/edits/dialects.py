"""Correct answers to a case in each dialect, with the few liberties that damage is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tests.corpus.edits.cases import Case, Part
from workers.diffs.git_paths import quoted


class Dialect(StrEnum):
    """How an answer writes its edits."""

    BLOCKS = "blocks"
    V4A = "v4a"
    UNIFIED = "unified"
    WHOLE = "whole"


@dataclass(frozen=True)
class Style:
    """How the parts are written: everything here leaves a correct answer correct."""

    part: Callable[[Part], Part] = lambda one: one
    name: Callable[[str], str] = lambda path: path
    counts: Callable[[int], int] = lambda count: count
    line: Callable[[int], int] = lambda number: number
    git_header: bool = True
    anchors: bool = True
    reverse: bool = False


PLAIN = Style()


def answer(case: Case, dialect: Dialect, style: Style = PLAIN) -> str:
    """The whole answer."""
    writers = {Dialect.BLOCKS: _blocks, Dialect.V4A: _patch, Dialect.UNIFIED: _diff, Dialect.WHOLE: _wholes}
    return f"I change what was asked.\n\n{writers[dialect](case, style)}\nThat is all.\n"


def block(path: str, old: tuple[str, ...], new: tuple[str, ...]) -> str:
    return "\n".join([path, "<<<<<<< SEARCH", *old, "=======", *new, ">>>>>>> REPLACE", ""])


def lines_of(text: str) -> tuple[str, ...]:
    return tuple(text.removeprefix("\ufeff").replace("\r\n", "\n").removesuffix("\n").split("\n"))


def parts(case: Case, style: Style) -> list[Part]:
    found = [style.part(one) for one in case.parts]
    return found[::-1] if style.reverse else found


def _blocks(case: Case, style: Style) -> str:
    made = [f"{style.name(path)}\n<<<<<<< DELETE\n" for path in (*case.deletes, *case.moves)]
    if case.moves:
        made += [block(style.name(new), (), lines_of(case.after[new])) for new in case.moves.values()]
    moved = set(case.moves.values())
    made += [
        block(style.name(one.path), one.old, one.new) for one in parts(case, style) if one.path not in moved
    ]
    made += [block(style.name(path), (), lines_of(text)) for path, text in case.creates.items()]
    return "\n".join(made)


def _wholes(case: Case, style: Style) -> str:
    made = [f"{style.name(path)}\n<<<<<<< DELETE\n" for path in (*case.deletes, *case.moves)]
    changed = [path for path, text in case.after.items() if case.before.get(path) != text]
    return "\n".join(made + [whole(style.name(path), lines_of(case.after[path])) for path in changed])


def whole(path: str, lines: tuple[str, ...], fence: str = "```") -> str:
    return "\n".join([path, fence, *lines, fence, ""])


def marked(one: Part) -> list[str]:
    """The lines of a part as a diff marks them: common ends are context."""
    old, new = list(one.old), list(one.new)
    head = next(
        (at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]),
        min(len(old), len(new)),
    )
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return [
        *(" " + line for line in old[:head]),
        *("-" + line for line in old[head : len(old) - tail]),
        *("+" + line for line in new[head : len(new) - tail]),
        *(" " + line for line in old[len(old) - tail :]),
    ]  # fmt: skip


def _patch(case: Case, style: Style) -> str:
    made = ["*** Begin Patch"]
    for path in dict.fromkeys(one.path for one in case.parts):
        origin = {new: old for old, new in case.moves.items()}.get(path)
        made.append(f"*** Update File: {style.name(origin or path)}")
        made += [f"*** Move to: {path}"] if origin else []
        for one in parts(case, style):
            if one.path == path:
                made += [f"@@ {one.below}".strip() if style.anchors else "@@", *marked(one)]
    for path, text in case.creates.items():
        made += [f"*** Add File: {style.name(path)}", *("+" + line for line in lines_of(text))]
    made += [f"*** Delete File: {style.name(path)}" for path in case.deletes]
    return "\n".join([*made, "*** End Patch", ""])


def _diff(case: Case, style: Style) -> str:
    made: list[str] = []
    for path in dict.fromkeys(one.path for one in case.parts):
        origin = {new: old for old, new in case.moves.items()}.get(path)
        moved = [f"rename from {style.name(origin)}", f"rename to {path}"] if origin else []
        made += _head(origin or path, path, style, moved)
        made += [line for one in parts(case, style) if one.path == path for line in _hunk(case, one, style)]
    for path, text in case.creates.items():
        new = ["+" + line for line in lines_of(text)]
        made += _head(None, path, style, ["new file mode 100644"])
        made += [f"@@ -0,0 +1,{style.counts(len(new))} @@", *new]
    for path in case.deletes:
        old = ["-" + line for line in lines_of(case.before[path])]
        made += _head(path, None, style, ["deleted file mode 100644"])
        made += [f"@@ -1,{style.counts(len(old))} +0,0 @@", *old]
    return "\n".join([*made, ""])


def _head(old: str | None, new: str | None, style: Style, more: list[str]) -> list[str]:
    one, other = (style.name(old or new or ""), style.name(new or old or ""))
    before, after = quoted(f"a/{one}"), quoted(f"b/{other}")
    git = [f"diff --git {before} {after}", *more] if style.git_header or "rename" in "".join(more) else []
    return [*git, f"--- {before if old else '/dev/null'}", f"+++ {after if new else '/dev/null'}"]


def _hunk(case: Case, one: Part, style: Style) -> list[str]:
    lines = list(lines_of(case.start(one.path)))
    there = [at for at in range(len(lines)) if tuple(lines[at : at + len(one.old)]) == one.old]
    line = style.line(there[0] + 1 if there else 1)
    old, new = style.counts(len(one.old)), style.counts(len(one.new))
    below = f" {one.below}" if one.below and style.anchors else ""
    ends = not case.start(one.path).endswith("\n") and there == [len(lines) - len(one.old)]
    return [f"@@ -{line},{old} +{line},{new} @@{below}", *(_with_ends(marked(one)) if ends else marked(one))]


def _with_ends(lines: list[str]) -> list[str]:
    """The lines with git's mark after the last one of each side: the file has no newline at its end."""
    last = {max(at for at, line in enumerate(lines) if line[0] != mark) for mark in "+-"}
    return [
        text
        for at, line in enumerate(lines)
        for text in ([line, "\\ No newline at end of file"] if at in last else [line])
    ]
