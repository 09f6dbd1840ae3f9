"""Kinds of damage: what each makes of a correct answer, and what then has to come of it.

A kind that leaves the meaning beyond doubt expects the case's tree, byte for byte; any other expects a
refusal, by the name of its reason. None where a kind has no meaning for a case or a dialect.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from tests.corpus.edits.cases import CASES, Case, Part
from tests.corpus.edits.dialects import Dialect, Style, answer, block, lines_of, whole
from tests.corpus.edits.hostile import HOSTILE
from workers.verify.problems import Reason

B, V, U, W = Dialect.BLOCKS, Dialect.V4A, Dialect.UNIFIED, Dialect.WHOLE
SEED: Final = 20_261_125


@dataclass(frozen=True)
class Sample:
    """An answer to a tree, and the tree or the refusal to come of it."""

    name: str
    before: Mapping[str, str]
    text: str
    expected: Mapping[str, str] | Reason

    def __str__(self) -> str:
        return self.name


Damaged = tuple[str, Mapping[str, str] | Reason] | None
Kind = Callable[[Case, Dialect, random.Random], Damaged]


def samples() -> list[Sample]:
    """The whole corpus, the same each time."""
    return [*_mutated(), *(Sample(*one) for one in HOSTILE)]


def _mutated() -> Iterator[Sample]:
    for case in CASES:
        for dialect in Dialect:
            for name, kind in KINDS.items():
                dice = random.Random(f"{SEED} {case.name} {dialect} {name}")
                if (made := kind(case, dialect, dice)) is not None:
                    before = case.after if name == "already applied" else case.before
                    yield Sample(f"{name} / {dialect} / {case.name}", before, *made)


def _styled(case: Case, dialect: Dialect, style: Style) -> Damaged:
    return answer(case, dialect, style), case.after


def _both(one: Part, change: Callable[[str], str]) -> Part:
    """The part with its quoted and its new lines changed in the same way."""
    return replace(one, old=tuple(map(change, one.old)), new=tuple(map(change, one.new)))


def _correct(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    return answer(case, dialect), case.after


def _without_git(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    return _styled(case, dialect, Style(git_header=False)) if dialect is U else None


def _without_anchors(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    return _styled(case, dialect, Style(anchors=False)) if dialect in (V, U) else None


def _indented(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    change = Style(part=lambda one: _both(one, lambda line: "    " + line if line else line))
    tabs = any("\t" in line for one in case.parts for line in one.old)
    return None if dialect is W or tabs else _styled(case, dialect, change)


def _outdented(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    def less(one: Part) -> Part:
        depth = min(len(line) - len(line.lstrip(" ")) for line in (*one.old, *one.new) if line)
        return _both(one, lambda line: line[depth:])

    if dialect is W or not any(line.startswith("    ") for one in case.parts for line in one.old[:1]):
        return None
    return _styled(case, dialect, Style(part=less))


def _unevenly_indented(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    def uneven(one: Part) -> Part:
        return replace(one, old=(" " + one.old[0], *one.old[1:-1], "   " + one.old[-1]))

    if dialect is W or any(len(one.old) < 2 for one in case.parts):
        return None
    return answer(case, dialect, Style(part=uneven)), Reason.NOT_FOUND


def _tabs(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    def turned(line: str) -> str:
        return line.replace("\t", "    ") if "\t" in line else line.replace("    ", "\t")

    changed = any(turned(line) != line for one in case.parts for line in one.old)
    if dialect is W or not changed or (case.moves and dialect is B):
        return None
    return answer(case, dialect, Style(part=lambda one: _both(one, turned))), Reason.NOT_FOUND


def _trailing(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    def spaced(one: Part) -> Part:
        kept = set(one.old)
        return replace(
            one,
            old=tuple(line + "  " for line in one.old),
            new=tuple(line + "  " if line in kept else line for line in one.new),
        )

    return None if dialect is W else _styled(case, dialect, Style(part=spaced))


def _bad_counts(case: Case, dialect: Dialect, dice: random.Random) -> Damaged:
    style = Style(counts=lambda count: max(1, count + dice.choice((-2, -1, 1, 5))))
    return _styled(case, dialect, style) if dialect is U else None


def _bad_counts_fenced(case: Case, dialect: Dialect, dice: random.Random) -> Damaged:
    made = _bad_counts(case, dialect, dice)
    return (_fenced(made[0], "```diff"), made[1]) if made else None


def _bad_lines(case: Case, dialect: Dialect, dice: random.Random) -> Damaged:
    style = Style(line=lambda number: max(1, number + dice.choice((-7, -1, 1, 40))))
    return _styled(case, dialect, style) if dialect is U else None


def _body(text: str) -> tuple[str, str, str]:
    """What is said before the edits, the edits, what is said after them."""
    head, _, rest = text.partition("\n\n")
    body, _, tail = rest.rpartition("\nThat is all.")
    return head, body, "That is all." + tail


def _fenced(text: str, fence: str) -> str:
    head, body, tail = _body(text)
    return f"{head}\n\n{fence}\n{body.rstrip()}\n{fence[:3]}\n\n{tail}"


def _fenced_once(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    return (_fenced(answer(case, dialect), "```diff"), case.after) if dialect in (V, U, B) else None


def _fenced_twice(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    if dialect is W:
        changed = [path for path, text in case.after.items() if case.before.get(path) != text]
        if case.deletes or case.moves or any("```" in case.after[path] for path in changed):
            return None
        bodies = [f"{path}\n```\n```text\n" + "\n".join(lines_of(case.after[path])) for path in changed]
        return "\n".join(f"{body}\n```\n```\n" for body in bodies), case.after
    return _fenced(_fenced(answer(case, dialect), "```"), "```"), case.after


def _prose(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    text = answer(case, dialect)
    before = "Sure! Here is what I found:\n\n- the first thing\n- the second\n\n1. Look\n2. Change\n\n---\n\n"
    after = "\nNotes: run `make test`.\n\n```sh\nmake test\n```\n"
    judged = '\n<criterion number="1" verdict="met">So.</criterion>\n'
    return before + text + after + judged, case.after


def _crlf(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    return answer(case, dialect).replace("\n", "\r\n"), case.after


def _marked(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    body, tail = _body(answer(case, dialect))[1:]
    return f"\ufeff{body}\n{tail}", case.after


def _twice(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    if dialect is W and any("```" in text for text in case.after.values()):
        return None
    return answer(case, dialect) * 2, case.after


def _reordered(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    return None if len(case.parts) < 2 or dialect is W else _styled(case, dialect, Style(reverse=True))


def _named(case: Case, dialect: Dialect, name: Callable[[str], str], reason: Reason) -> Damaged:
    return answer(case, dialect, Style(name=name)), reason


def _wrong_file(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    if case.moves:
        return None
    return _named(case, dialect, lambda path: "lib/" + path.rpartition("/")[2], Reason.MISSING_FILE)


def _absolute(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    return _named(case, dialect, lambda path: "/" + path, Reason.PATH)


def _outside(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    return _named(case, dialect, lambda path: "../" + path, Reason.PATH)


def _in_git(case: Case, dialect: Dialect, dice: random.Random) -> Damaged:
    folder = dice.choice((".git", ".GIT", "src/.git", ".git.", "git~1"))
    return _named(case, dialect, lambda path: f"{folder}/hooks/{path.rpartition('/')[2]}", Reason.PATH)


def _dressed(case: Case, dialect: Dialect, dice: random.Random) -> Damaged:
    forms = ("`{}`", "**{}**", "### {}", "File: {}", "**`{}`**:", "1. `{}`")
    form = dice.choice(forms)
    return None if dialect in (V, U) else _styled(case, dialect, Style(name=form.format))


def _applied(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    if case.deletes or case.moves or (case.name == "open end" and dialect is U):
        return None
    return answer(case, dialect), Reason.UNCHANGED


def _half(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    """The answer ends in the middle of its last edit."""
    body = _body(answer(case, dialect))[1]
    lines = body.rstrip("\n").split("\n")
    if dialect is U and lines[-1].startswith("\\"):
        lines = lines[:-1]
    if dialect is U and case.deletes:
        return None
    return "\n".join(lines[:-1]), Reason.UNCLOSED


def _json(case: Case, dialect: Dialect, dice: random.Random) -> Damaged:
    body = _body(answer(case, dialect))[1]
    path = next(iter(case.after))
    shapes = (
        {"path": path, "content": body},
        {"files": [{"file": path, "code": body}]},
        {"name": "apply_patch", "arguments": {"patch": body}},
    )
    text = json.dumps(dice.choice(shapes), indent=dice.choice((None, 2)))
    return dice.choice((text, f"```json\n{text}\n```", text + "\n")), Reason.JSON


def _lookalikes(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    looks = str.maketrans({" ": "\u00a0", "=": "\uff1d", ";": "\uff1b", "(": "\uff08"})

    def disguised(one: Part) -> Part:
        first = next((line for line in one.old if line.strip().translate(looks) != line.strip()), None)
        changed = tuple(
            line[: len(line) - len(line.lstrip())] + line.strip().translate(looks) if line == first else line
            for line in one.old
        )
        return replace(one, old=changed)

    if dialect is W or (case.moves and dialect is B):
        return None
    return answer(case, dialect, Style(part=disguised)), Reason.NOT_FOUND


def _missing_end(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    text = answer(case, dialect)
    last = {B: ">>>>>>> REPLACE\n", V: "*** End Patch\n", W: "```\n"}.get(dialect, "")
    at = text.rfind(last) if last else -1
    return (text[:at] + text[at + len(last) :], Reason.UNCLOSED) if at >= 0 else None


def _lost_context(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    """A quoted line in the middle is left out."""
    if dialect is W or not any(len(one.old) > 2 for one in case.parts) or (case.moves and dialect is B):
        return None
    style = Style(part=lambda one: replace(one, old=one.old[:1] + one.old[2:]) if len(one.old) > 2 else one)
    return answer(case, dialect, style), Reason.NOT_FOUND


def _garbled(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    text = answer(case, dialect)
    # The first marker of the last edit; the others stay right.
    marker, wrong = {
        B: ("<<<<<<< SEARCH", "<<<<<<< SERCH"), V: ("*** Update File", "*** Updat File"),
        U: ("\n+++ ", "\n++ "), W: ("<<<<<<< DELETE", "<<<<<<< REMOVE"),
    }[dialect]  # fmt: skip
    at = text.rfind(marker)
    if at < 0 or (dialect is U and (case.deletes or case.creates)):
        return None
    reason = Reason.NO_PATH if dialect is U else Reason.GARBLED
    return text[:at] + wrong + text[at + len(marker) :], reason


def _fullwidth(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    text = answer(case, dialect)
    at = text.rfind("<<<<<<< ")
    return (text[:at] + "＜" * 7 + text[at + 7 :], Reason.GARBLED) if dialect is B else None


def _abbreviated(case: Case, dialect: Dialect, dice: random.Random) -> Damaged:
    said = dice.choice(
        (
            "# ... rest of the code ...",
            "// ... existing code ...",
            "# … unchanged",
            "/* ... other methods ... */",
        )
    )
    if dialect is W:
        path = next((one.path for one in case.parts), "")
        return None if case.moves else (whole(path, (said, *lines_of(case.after[path]))), Reason.ABBREVIATED)
    if case.moves:
        return None
    return answer(
        case, dialect, Style(part=lambda one: replace(one, new=(*one.new, said)))
    ), Reason.ABBREVIATED


def _overlapping(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    if dialect is W or case.moves or len(case.parts) != 1 or case.creates:
        return None
    one = case.parts[0]
    other = replace(one, new=("something else entirely",))
    return answer(replace(case, parts=(one, other)), dialect), Reason.NOT_FOUND


def _mixed_file(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    if dialect is W or case.moves:
        return None
    path = case.parts[0].path
    return answer(case, dialect) + "\n" + whole(path, lines_of(case.after[path])), Reason.MIXED


def _mixed_dialects(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    """Each file in another dialect."""
    if dialect is B or case.moves:
        return None
    more = block("extra/more.py", (), ("x = 1", "y = 2"))
    return f"{answer(case, dialect)}\n{more}", case.after | {"extra/more.py": "x = 1\ny = 2\n"}


def _bare_blanks(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    """Blank context lines lost the space that marks them."""
    text = answer(case, dialect)
    return (text.replace("\n \n", "\n\n").replace("\n \n", "\n\n"), case.after) if dialect in (V, U) else None


def _clash(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    path = case.parts[0].path + "/x.py"
    made = replace(case, creates={path: "x = 1\n"}, deletes=())
    return (answer(made, dialect), Reason.CLASH) if not case.moves else None


def _exists(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    """A file is made that is there already."""
    path = next(iter(case.before))
    made = replace(case, parts=(), creates={path: "x = 1\n"}, deletes=(), moves={})
    return None if dialect is W else (answer(made, dialect), Reason.EXISTS)


def _snippet(case: Case, dialect: Dialect, _: random.Random) -> Damaged:
    if dialect is not W or case.moves:
        return None
    one = case.parts[0]
    return whole(one.path, one.old), Reason.EXCERPT


def _named_fence(case: Case, dialect: Dialect, dice: random.Random) -> Damaged:
    if dialect is not W or case.deletes or case.moves or case.name == "unicode":
        return None
    form = dice.choice(("```python {}", "```{}", "```text:{}", '```python title="{}"', "~~~ {}"))
    changed = [path for path, text in case.after.items() if case.before.get(path) != text]
    made = ["\n".join([form.format(path), *lines_of(case.after[path]), form[:3], ""]) for path in changed]
    return "\n".join(made), case.after


KINDS: Final[dict[str, Kind]] = {
    "correct": _correct, "no git header": _without_git, "no anchors": _without_anchors,
    "indented too far": _indented, "indented too little": _outdented, "indented unevenly": _unevenly_indented,
    "tabs and spaces": _tabs, "trailing space": _trailing, "bad counts": _bad_counts,
    "bad counts, fenced": _bad_counts_fenced, "bad line numbers": _bad_lines, "fenced": _fenced_once,
    "fenced twice": _fenced_twice, "prose around": _prose, "CRLF answer": _crlf, "marked answer": _marked,
    "answer doubled": _twice, "reordered": _reordered, "wrong file name": _wrong_file,
    "absolute path": _absolute,
    "path outside": _outside, "path in .git": _in_git, "dressed path": _dressed, "already applied": _applied,
    "half a block": _half, "JSON with code": _json, "look-alikes": _lookalikes, "missing end": _missing_end,
    "lost context line": _lost_context, "garbled marker": _garbled, "marker look-alikes": _fullwidth,
    "abbreviated": _abbreviated, "overlapping": _overlapping, "given in two ways": _mixed_file,
    "dialects mixed": _mixed_dialects, "bare blank lines": _bare_blanks, "file and folder": _clash,
    "file exists": _exists, "excerpt for the whole": _snippet, "path in the fence": _named_fence,
}  # fmt: skip
