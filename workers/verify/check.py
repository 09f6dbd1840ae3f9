"""Whether changed files parse: Python by Python's own compiler; of other languages it says so.

Only an error that was not there before counts. Hostile sources end here too: the compiler is handed nothing
that is deeper or larger than it bears, since it would take the process with it.
"""

import ast
import threading
import warnings
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from schemas.results import Check
from workers.verify.documents import BOM
from workers.verify.verdict import clipped

_NAME: Final = "syntax"
_FILENAME: Final = "<answer>"
_LARGEST: Final = 400_000
_DEEPEST: Final = 200
# CPython 3.12 and 3.13 die of more than twenty comprehensions within each other.
_COMPREHENSIONS: Final = 10
_COMPREHENSION: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_PYTHON: Final = frozenset({".py", ".pyi"})


@dataclass(frozen=True)
class Unchecked:
    """Why a source could not be checked."""

    reason: str


_ONE_TREE_AT_A_TIME: Final = threading.Lock()
"""CPython 3.11 counts the depth of trees being built per interpreter, not per thread."""


def check_syntax(before: dict[str, str], after: dict[str, str]) -> list[Check]:
    """One check for each changed file (path to text, those that are there afterwards)."""
    left = _LARGEST
    checks: list[Check] = []
    for path, text in after.items():
        left -= len(text) if _is_python(path) else 0
        checks.append(_check(path, before.get(path), text, too_large=left < 0))
    return checks


def _check(path: str, before: str | None, after: str, *, too_large: bool) -> Check:
    if not _is_python(path):
        kind = PurePosixPath(path).suffix or "files without a suffix"
        return Check(name=_NAME, passed=None, detail=f"{path}: not checked for {kind}")
    if too_large:
        return Check(name=_NAME, passed=None, detail=f"{path}: too large to be checked")
    error = _error(after)
    if isinstance(error, Unchecked):
        return Check(name=_NAME, passed=None, detail=f"{path}: {error.reason}")
    if error is None:
        return Check(name=_NAME, passed=True, detail=f"{path}: parses")
    if before is not None and len(before) <= _LARGEST and isinstance(_error(before), str):
        return Check(name=_NAME, passed=None, detail=f"{path}: {error}; it did not parse before either")
    return Check(name=_NAME, passed=False, detail=f"{path}: {error}")


def _is_python(path: str) -> bool:
    return PurePosixPath(path).suffix in _PYTHON


def _error(source: str) -> str | Unchecked | None:
    """What is wrong with a source, with its line."""
    # Narrow to our own pseudo file, so that other threads and other warnings are not concerned.
    warnings.filterwarnings("ignore", module=_FILENAME)
    try:
        with _ONE_TREE_AT_A_TIME:
            tree = ast.parse(source.removeprefix(BOM), _FILENAME)
            if _bearable(tree):
                compile(tree, _FILENAME, "exec", dont_inherit=True)
    except SyntaxError as error:
        return clipped(f"line {error.lineno}: {error.msg}", 300)
    except ValueError as error:
        return clipped(str(error), 300)
    except (RecursionError, MemoryError, OverflowError):
        return Unchecked("nested too deeply to be checked")
    return None


def _bearable(tree: ast.AST) -> bool:
    """Whether the compiler may see the tree; what it would find beyond the parser is then not looked for."""
    waiting: list[tuple[ast.AST, int, int]] = [(tree, 0, 0)]
    while waiting:
        node, depth, comprehensions = waiting.pop()
        comprehensions += isinstance(node, _COMPREHENSION)
        if depth > _DEEPEST or comprehensions > _COMPREHENSIONS:
            return False
        waiting += [(child, depth + 1, comprehensions) for child in ast.iter_child_nodes(node)]
    return True


def parsed(source: str) -> ast.Module | None:
    """The tree of a Python source; None where it does not parse, or is too large or deep to be walked."""
    if len(source) > _LARGEST:
        return None
    warnings.filterwarnings("ignore", module=_FILENAME)
    try:
        with _ONE_TREE_AT_A_TIME:
            tree = ast.parse(source.removeprefix(BOM), _FILENAME)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None
    return tree if _bearable(tree) else None
