"""Edits applied in memory, in order, each on what the ones before it left.

All or nothing: one edit without its one place is a problem, never skipped in silence. The only edits that
change nothing and are forgiven are repeated ones and those whose result already stands in the file; both
are noted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final, assert_never

from workers.verify.documents import Document
from workers.verify.edits import AnyEdit, Deletion, Edit, Move, Whole
from workers.verify.locate import Ambiguous, Found, locate, occurrences
from workers.verify.problems import Problem, Reason, Region, texts
from workers.verify.replace import abbreviation, created, replacement, stand_around, without_mark
from workers.verify.similar import meant_file, region_like, shown
from workers.verify.wholes import doubt

# Characters searched per answer: keeps a thousand blocks on a huge file from taking minutes.
_EFFORT: Final = 200_000_000
_PROBLEMS: Final = 12
_TELLING: Final = 20
_GUESSES: Final = 3
_NARROWING: Final = 3


@dataclass(frozen=True)
class Applied:
    """The whole tree afterwards, what moved (new path to old), what is worth noting, and what did not fit."""

    files: Mapping[str, str]
    notes: tuple[str, ...]
    faults: tuple[Problem, ...]
    moves: Mapping[str, str]

    @property
    def problems(self) -> tuple[str, ...]:
        """What did not fit, in words for the model."""
        return texts(self.faults)


def apply(files: Mapping[str, str], edits: Iterable[AnyEdit]) -> Applied:
    """The tree after the edits; with problems, it is not to be used."""
    tree = _Tree({path: Document.of(text) for path, text in files.items()})
    for edit in edits:
        if len(tree.problems) >= _PROBLEMS:
            tree.problems.append(Problem(Reason.TOO_MUCH, "The blocks after these were not looked at."))
            break
        tree.apply(edit)
    after = {path: document.text for path, document in tree.documents.items()}
    created, gone = after.keys() - files.keys(), files.keys() - after.keys()
    moves = {new: old for new, old in tree.moves.items() if new in created and old in gone}
    return Applied(after, tuple(tree.notes), tuple(tree.problems), moves)


class _Tree:
    def __init__(self, documents: dict[str, Document]) -> None:
        self.documents = documents
        self.given = frozenset(documents)
        self.moves: dict[str, str] = {}
        self.done: set[AnyEdit] = set()
        self.notes: list[str] = []
        self.problems: list[Problem] = []
        self.effort, self.guesses = 0, 0

    def apply(self, edit: AnyEdit) -> None:
        match edit:
            case Deletion():
                self._delete(edit)
            case Move():
                self._move(edit)
            case Whole():
                self._whole(edit)
            case Edit():
                self._edit(edit)
            case _:
                assert_never(edit)
        self.done.add(edit)

    def _delete(self, edit: Deletion) -> None:
        if self.documents.pop(edit.path, None) is None:
            self._missing_file(edit, "there is no such file to delete.")

    def _move(self, edit: Move) -> None:
        if edit.path not in self.documents:
            self._missing_file(edit, "there is no such file to move.")
        elif edit.to in self.documents and edit.to != edit.path:
            self._refuse(edit, Reason.EXISTS, f"it can't move to {edit.to}, which exists already.")
        else:
            self.documents[edit.to] = self.documents.pop(edit.path)
            origin = self.moves.pop(edit.path, edit.path if edit.path in self.given else None)
            if origin is not None:
                self.moves[edit.to] = origin

    def _whole(self, edit: Whole) -> None:
        document = self.documents.get(edit.path)
        if document is None or document.blank:
            self._create_whole(edit, document)
            return
        after = document.rewritten(edit.lines)
        if after.text == document.text:
            self._note(edit, "is already applied")
        elif found := doubt(document, edit.lines):
            self._refuse(edit, *found)
        else:
            self.documents[edit.path] = after

    def _create_whole(self, edit: Whole, document: Document | None) -> None:
        meant = meant_file(edit.path, edit.lines, self.documents) if document is None else None
        if meant is not None:
            why = f"there is no such file, and what is given is nearly {meant}. Did you mean that one?"
            self._refuse(edit, Reason.MISSING_FILE, why)
        elif word := abbreviation(edit.lines, ()):
            self._abbreviated(edit, word)
        else:
            self.documents[edit.path] = created(document, edit.lines)

    def _edit(self, edit: Edit) -> None:
        document = self.documents.get(edit.path)
        nothing = not any(line.strip() for line in edit.search)
        if document is None and (edit.existing or not nothing):
            more = "" if edit.existing else " To create it, leave SEARCH empty."
            self._missing_file(edit, f"there is no such file.{more}")
        elif word := abbreviation(edit.replace, chain(edit.search, document.bare if document else ())):
            self._abbreviated(edit, word)
        elif document is None or (nothing and document.blank):
            self.documents[edit.path] = created(document, edit.replace, open_end=bool(edit.open_end))
        elif not edit.search:
            self._onto_existing(edit, document)
        else:
            self._substitute(without_mark(edit) if document.mark else edit, document)

    def _onto_existing(self, edit: Edit, document: Document) -> None:
        size = len(document.lines)
        if edit.at_end:
            if tuple(document.bare[-len(edit.replace) :]) == edit.replace:
                self._note(edit, "is already applied")
            else:
                self.documents[edit.path] = document.replaced(size, size, edit.replace)
        elif edit.existing:
            self._refuse(edit, Reason.AMBIGUOUS, "it only adds lines: quote a line or two around them.")
        elif created(None, edit.replace, open_end=bool(edit.open_end)).text == document.text:
            self._note(edit, "is already applied")
        else:
            self._refuse(
                edit,
                Reason.EXISTS,
                "the file exists already and is not empty. Quote the lines to change in SEARCH, "
                "or delete the file first to write it anew.",
            )

    def _substitute(self, edit: Edit, document: Document) -> None:
        narrows = bool(edit.within) or edit.at_end
        self.effort += document.effort * (_NARROWING if narrows else 1)
        if self.effort > _EFFORT:
            self._refuse(
                edit, Reason.TOO_MUCH, "too many blocks for files of this size. Use fewer, larger blocks."
            )
            return
        place = locate(document.bare, edit.search, edit.within, at_end=edit.at_end)
        match place:
            case Found():
                self._put(edit, document, place)
            case Ambiguous():
                lines = ", ".join(str(start + 1) for start in place.starts)
                why = f"the SEARCH lines occur more than once (at lines {lines} …). Quote more lines around."
                self._refuse(edit, Reason.AMBIGUOUS, why)
            case None:
                self._missing(edit, document)
            case _:
                assert_never(place)

    def _put(self, edit: Edit, document: Document, place: Found) -> None:
        end = place.start + len(edit.search)
        lines = replacement(edit, document.lines[place.start : end], place.shift)
        if lines is None:
            why = "REPLACE is indented less than SEARCH. Copy the indentation from the file."
            self._refuse(edit, Reason.INDENTATION, why)
        elif len(lines) > len(edit.search) and stand_around(document, lines, place.start, end):
            self._note(edit, "is already applied")
        elif edit.open_end is not None and end != len(document.lines):
            why = "it says that the file ends there without a newline, but the file goes on."
            self._refuse(edit, Reason.ENDING, why)
        else:
            after = document.replaced(place.start, end, lines)
            self.documents[edit.path] = (
                after if edit.open_end is None else after.ended(open_end=edit.open_end)
            )

    def _missing(self, edit: Edit, document: Document) -> None:
        if _stands_there(document, edit):
            self._note(edit, "is already applied")
            return
        there = any(map(str.strip, edit.replace)) and occurrences(document.bare, edit.replace, 1)
        hint = " The REPLACE lines are there: leave the block out if it is already applied." if there else ""
        region = region_like(document.bare, edit.search, guess=self._may_guess())
        why = f"the SEARCH lines are not in the file.{hint}{shown(region)}"
        self._refuse(edit, Reason.NOT_FOUND, why, region)

    def _missing_file(self, edit: AnyEdit, why: str) -> None:
        guess = meant_file(edit.path, (), self.documents, guess=self._may_guess())
        self._refuse(edit, Reason.MISSING_FILE, why + (f" Did you mean {guess}?" if guess else ""))

    def _abbreviated(self, edit: AnyEdit, word: str) -> None:
        why = f"`{word}` stands for lines that are left out. Write every line, or quote less."
        self._refuse(edit, Reason.ABBREVIATED, why)

    def _may_guess(self) -> bool:
        """Likeness is dear: only the first problems get it."""
        self.guesses += 1
        return self.guesses <= _GUESSES

    def _refuse(self, edit: AnyEdit, reason: Reason, why: str, region: Region | None = None) -> None:
        if edit in self.done:
            self._note(edit, "repeats an earlier block")
        else:
            text = f"Block {edit.number} ({edit.path}): {why}"
            self.problems.append(Problem(reason, text, edit.path, edit.number, region))

    def _note(self, edit: AnyEdit, what: str) -> None:
        self.notes.append(f"Block {edit.number} ({edit.path}) {what}.")


def _stands_there(document: Document, edit: Edit) -> bool:
    """Whether the replacement is there once, with enough of it and of the quoted lines to be no accident."""
    told = {line for line in edit.replace if line.strip()}
    telling = len(told) >= 3 or (len(told) == 2 and bool(told & set(edit.search)))
    if not telling or sum(len(line.strip()) for line in told) < _TELLING:
        return False
    return len(occurrences(document.bare, edit.replace, 2)) == 1
