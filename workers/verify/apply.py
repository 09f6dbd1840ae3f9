"""Edits applied in memory, in order, each on what the ones before it left.

All or nothing: one edit without its one place is a problem, never skipped in silence. The only edits that
change nothing and are forgiven are repeated ones and those whose result already stands in the file; both
are noted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, assert_never

from workers.verify.blocks import Deletion, Edit
from workers.verify.documents import BOM, Document, bare
from workers.verify.locate import Ambiguous, Found, Shift, closest, locate, nearest, occurrences

# Characters searched per answer: keeps a thousand blocks on a huge file from taking minutes.
_EFFORT: Final = 200_000_000
_PROBLEMS: Final = 12
_SHOWN_LINE: Final = 160
_SHOWN: Final = 800
_TELLING: Final = 20
_GUESSES: Final = 3


@dataclass(frozen=True)
class Applied:
    """The whole tree afterwards, what is worth noting, and what did not fit."""

    files: Mapping[str, str]
    notes: tuple[str, ...]
    problems: tuple[str, ...]


def apply(files: Mapping[str, str], edits: Iterable[Edit | Deletion]) -> Applied:
    """The tree after the edits; with problems, it is not to be used."""
    tree = _Tree({path: Document.of(text) for path, text in files.items()})
    for edit in edits:
        if len(tree.problems) >= _PROBLEMS:
            tree.problems.append("The blocks after these were not looked at.")
            break
        tree.apply(edit)
    return Applied(
        {path: document.text for path, document in tree.documents.items()},
        tuple(tree.notes),
        tuple(tree.problems),
    )


class _Tree:
    def __init__(self, documents: dict[str, Document]) -> None:
        self.documents = documents
        self.done: set[Edit | Deletion] = set()
        self.notes: list[str] = []
        self.problems: list[str] = []
        self.effort, self.guesses = 0, 0

    def apply(self, edit: Edit | Deletion) -> None:
        match edit:
            case Deletion():
                self._delete(edit)
            case Edit():
                self._edit(edit)
            case _:
                assert_never(edit)
        self.done.add(edit)

    def _delete(self, edit: Deletion) -> None:
        if self.documents.pop(edit.path, None) is None:
            self._refuse(edit, f"there is no such file to delete.{self._similar(edit.path)}")

    def _edit(self, edit: Edit) -> None:
        document = self.documents.get(edit.path)
        if not any(line.strip() for line in edit.search) and (document is None or document.blank):
            self.documents[edit.path] = _created(document, edit)
        elif document is None:
            guess = self._similar(edit.path)
            self._refuse(edit, f"there is no such file; to create it, leave SEARCH empty.{guess}")
        elif not edit.search:
            self._onto_existing(edit, document)
        else:
            self._substitute(_without_mark(edit) if document.mark else edit, document)

    def _onto_existing(self, edit: Edit, document: Document) -> None:
        if _created(None, edit).text == document.text:
            self._note(edit, "is already applied")
        else:
            self._refuse(
                edit,
                "the file exists already and is not empty. Quote the lines to change in SEARCH, "
                "or delete the file first to write it anew.",
            )

    def _substitute(self, edit: Edit, document: Document) -> None:
        self.effort += document.effort
        if self.effort > _EFFORT:
            self._refuse(edit, "too many blocks for files of this size. Use fewer, larger blocks.")
            return
        place = locate(document.bare, edit.search)
        match place:
            case Found():
                self._put(edit, document, place)
            case Ambiguous():
                lines = ", ".join(str(start + 1) for start in place.starts)
                why = f"the SEARCH lines occur more than once (at lines {lines} …). Quote more lines around."
                self._refuse(edit, why)
            case None:
                self._missing(edit, document)
            case _:
                assert_never(place)

    def _put(self, edit: Edit, document: Document, place: Found) -> None:
        end = place.start + len(edit.search)
        lines = _replacement(edit, document.lines[place.start : end], place.shift)
        if lines is None:
            self._refuse(edit, "REPLACE is indented less than SEARCH. Copy the indentation from the file.")
        elif len(lines) > len(edit.search) and _stand_around(document, lines, place.start, end):
            self._note(edit, "is already applied")
        else:
            self.documents[edit.path] = document.replaced(place.start, end, lines)

    def _missing(self, edit: Edit, document: Document) -> None:
        if _stands_there(document, edit):
            self._note(edit, "is already applied")
            return
        there = any(map(str.strip, edit.replace)) and occurrences(document.bare, edit.replace, 1)
        hint = " The REPLACE lines are there: leave the block out if it is already applied." if there else ""
        region = _region(document, edit, guess=self._may_guess())
        self._refuse(edit, f"the SEARCH lines are not in the file.{hint}{region}")

    def _similar(self, path: str) -> str:
        name = "/" + path.rsplit("/", 1)[-1]
        moved = next((known for known in self.documents if f"/{known}".endswith(name)), None)
        guess = moved or (closest(path, list(self.documents)) if self._may_guess() else None)
        return f" Did you mean {guess}?" if guess else ""

    def _may_guess(self) -> bool:
        """Likeness is dear: only the first problems get it."""
        self.guesses += 1
        return self.guesses <= _GUESSES

    def _refuse(self, edit: Edit | Deletion, why: str) -> None:
        if edit in self.done:
            self._note(edit, "repeats an earlier block")
        else:
            self.problems.append(f"Block {edit.number} ({edit.path}): {why}")

    def _note(self, edit: Edit | Deletion, what: str) -> None:
        self.notes.append(f"Block {edit.number} ({edit.path}) {what}.")


def _without_mark(edit: Edit) -> Edit:
    """The byte order mark is the file's; a model that copies it into its lines means the same lines."""
    search = tuple(line.removeprefix(BOM) for line in edit.search)
    return replace(edit, search=search, replace=tuple(line.removeprefix(BOM) for line in edit.replace))


def _created(document: Document | None, edit: Edit) -> Document:
    text = "".join(line + "\n" for line in edit.replace)
    return Document.of((document.mark if document else "") + text)


def _replacement(edit: Edit, real: tuple[str, ...], shift: Shift) -> list[str] | None:
    """The new lines; one that SEARCH holds too is taken from the file, with its own bytes."""
    kept = dict(zip(reversed(edit.search), reversed(real), strict=True))
    lines = [kept.get(line) or shift.of(line) for line in edit.replace]
    return None if None in lines else [line for line in lines if line is not None]


def _stand_around(document: Document, lines: list[str], start: int, end: int) -> bool:
    """Whether the quoted lines were found inside their own replacement: it was made before."""
    places = occurrences(document.bare, [bare(line) for line in lines], 2)
    return any(place <= start and end <= place + len(lines) for place in places)


def _stands_there(document: Document, edit: Edit) -> bool:
    """Whether the replacement is there once, with enough of it and of the quoted lines to be no accident."""
    told = {line for line in edit.replace if line.strip()}
    telling = len(told) >= 3 or (len(told) == 2 and bool(told & set(edit.search)))
    if not telling or sum(len(line.strip()) for line in told) < _TELLING:
        return False
    return len(occurrences(document.bare, edit.replace, 2)) == 1


def _region(document: Document, edit: Edit, *, guess: bool) -> str:
    """The nearest real lines, whole, for the model to copy."""
    region = nearest(document.bare, edit.search, guess=guess)
    if region is None:
        return " No line of the file is like them."
    start, end = region
    shown: list[str] = []
    for line in document.bare[start:end]:
        if len(line) > _SHOWN_LINE or sum(map(len, shown)) + len(line) > _SHOWN:
            break
        shown.append(line)
    if not shown:
        return f" The nearest region begins at line {start + 1}."
    return f" The nearest region is lines {start + 1}-{start + len(shown)}:\n" + "\n".join(shown)
