"""The one form that every dialect of edits is read into, and what reading an answer yields."""

from dataclasses import dataclass, field

from workers.verify.problems import Problem, texts


@dataclass(frozen=True)
class Edit:
    """Lines in place of others; without old lines the file is created.

    `within` are lines that the place stands below (outermost first) and `at_end` says that it is the file's
    last: both only choose between equal places. `existing` forbids that the file is created. `open_end` says
    whether the file's last line ends without a newline afterwards; None leaves that as it is.
    """

    path: str
    search: tuple[str, ...]
    replace: tuple[str, ...]
    number: int = field(compare=False, default=0)
    within: tuple[str, ...] = ()
    at_end: bool = False
    existing: bool = False
    open_end: bool | None = None


@dataclass(frozen=True)
class Whole:
    """All lines of a file, new or in place of what it held."""

    path: str
    lines: tuple[str, ...]
    number: int = field(compare=False, default=0)


@dataclass(frozen=True)
class Deletion:
    """A file goes away."""

    path: str
    number: int = field(compare=False, default=0)


@dataclass(frozen=True)
class Move:
    """A file gets another path."""

    path: str
    to: str
    number: int = field(compare=False, default=0)


AnyEdit = Edit | Whole | Deletion | Move


def touched(edit: AnyEdit) -> tuple[str, ...]:
    """The paths an edit is about."""
    return (edit.path, edit.to) if isinstance(edit, Move) else (edit.path,)


@dataclass(frozen=True)
class Parsed:
    """What an answer asks for, what it says around it, what is worth noting, and what could not be read."""

    edits: tuple[AnyEdit, ...]
    prose: str
    faults: tuple[Problem, ...]
    notes: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be read, in words for the model."""
        return texts(self.faults)
