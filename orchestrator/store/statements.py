"""SQL as a value: a constant text with `:names`, rewritten once for the driver; and the rows it gives.

SQLAlchemy's `text()` would do the same for 21 MB and half a second at every start (ops/decisions, 0021).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

_NAME: Final = re.compile(r"(?<![:\w\\]):(\w+)(?![:\w])")
_ESCAPED: Final = re.compile(r"\\(:\w*)(?![:\w])")


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One statement. Made by `text`, compared by identity."""

    text: str
    driver: str
    """As psycopg takes it, with `%(name)s`."""
    names: tuple[str, ...]
    """The parameters, each once, in the order of their first appearance."""

    def __str__(self) -> str:
        return self.text


def text(sql: str) -> Statement:
    r"""A statement with parameters `:name` (cast by `CAST`); `::` casts anything else, `\:` is a colon."""
    driver = _ESCAPED.sub(r"\1", _NAME.sub(r"%(\1)s", sql.replace("%", "%%")))
    return Statement(sql, driver, tuple(dict.fromkeys(_NAME.findall(sql))))


class Row(Protocol):
    """A row as the driver gives it: a named tuple, whose columns are what the statement says."""

    def __getattr__(self, name: str, /) -> Any: ...
    def __getitem__(self, index: int, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def _asdict(self) -> dict[str, Any]: ...


class Rows(list[Row]):
    """The rows of a statement within a transaction."""

    def one(self) -> Row:
        """The only row; another number of rows is a defect and raises `ValueError`."""
        (row,) = self
        return row

    def one_or_none(self) -> Row | None:
        """The only row, or None where there is none."""
        return self.one() if self else None
