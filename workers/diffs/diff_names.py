"""The names of a file on both sides of a diff, from whatever its header says."""

from dataclasses import dataclass
from typing import Final

from workers.diffs.git_paths import unquoted

_NOWHERE: Final = "/dev/null"


@dataclass
class Names:
    """What the header lines of one file said, as they stand there."""

    header: str | None = None
    minus: str | None = None
    plus: str | None = None
    moved_from: str | None = None
    moved_to: str | None = None


def names_of(names: Names) -> tuple[str | None, str | None]:
    """The paths (old, new); None where the file does not exist on that side."""
    if names.moved_from is not None and names.moved_to is not None:
        return _name(names.moved_from), _name(names.moved_to)
    if names.minus is None or names.plus is None:
        return None, None
    old, new = _name(names.minus), _name(names.plus)
    if old == _NOWHERE:
        return None, _without_prefix(new, names, "b/")
    if new == _NOWHERE:
        return _without_prefix(old, names, "a/"), None
    if _prefixed(old, new) or (old.startswith("a/") and new.startswith("b/")):
        return old[2:], new[2:]
    return old, new


def _without_prefix(path: str, names: Names, prefix: str) -> str:
    """The only name a file has; whether it carries a prefix, the git header tells by naming it twice."""
    halves = _halves(names.header) if names.header is not None else None
    prefixed = _prefixed(*halves) if halves else path.startswith(prefix)
    return path[2:] if prefixed else path


def _prefixed(old: str, new: str) -> bool:
    """Whether two names differ by one-letter prefixes (`a/`, `b/`; git knows others) and nothing else."""
    return old[1:2] == "/" == new[1:2] and old[0] != new[0] and old[2:] == new[2:]


def _halves(header: str) -> tuple[str, str] | None:
    """The two names of a `diff --git` line, where it names one file twice."""
    quoted = unquoted(header)
    if quoted is not None:
        return quoted[0], _name(quoted[1].removeprefix(" "))
    middle = len(header) // 2
    return (header[:middle], header[middle + 1 :]) if header[middle : middle + 1] == " " else None


def _name(text: str) -> str:
    """A name without quotes, or without the time stamp that may follow a tab."""
    quoted = unquoted(text)
    return quoted[0] if quoted is not None else text.split("\t", 1)[0]


def header_names(header: str) -> tuple[str, str] | None:
    """The path (twice) that a `diff --git` line names where no other line does; None if it names two."""
    halves = _halves(header)
    if halves is None:
        return None
    old, new = halves
    if _prefixed(old, new):
        return old[2:], new[2:]
    return (old, new) if old == new else None
