"""Whether changed files parse: Python by Python's own compiler, five more languages by tree-sitter.

Only an error that was not there before counts. Hostile sources end here too: the compiler is handed nothing
that is deeper or larger than it bears, since it would take the process with it, and tree-sitter is stopped
when its time is over.
"""

import ast
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from schemas.results import Check
from workers.grammars import language_of
from workers.verify.documents import BOM
from workers.verify.grammatical import Fault, TooMuch, faults
from workers.verify.looked import Looked
from workers.verify.verdict import clipped

_NAME: Final = "syntax"
_FILENAME: Final = "<answer>"
_LARGEST: Final = 400_000
_DEEPEST: Final = 200
# CPython 3.12 and 3.13 die of more than twenty comprehensions within each other.
_COMPREHENSIONS: Final = 10
_COMPREHENSION: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SHOWN: Final = 3


@dataclass(frozen=True)
class Unchecked:
    """Why a source could not be checked."""

    reason: str


_ONE_TREE_AT_A_TIME: Final = threading.Lock()
"""CPython 3.11 counts the depth of trees being built per interpreter, not per thread."""


def check_syntax(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, Looked]:
    """One check for each changed file (path to text, those that are there afterwards)."""
    left = _LARGEST
    found: dict[str, Looked] = {}
    for path, text in after.items():
        language = language_of(path)
        if language is None:
            kind = PurePosixPath(path).suffix or "files without a suffix"
            found[path] = Looked(_said(path, None, f"not checked for {kind}"), applies=False)
            continue
        left -= len(text)
        checked = _check(path, language, before.get(path), text) if left >= 0 else None
        found[path] = Looked(checked or _said(path, None, "too large to be checked"))
    return found


def _check(path: str, language: str, before: str | None, after: str) -> Check:
    errors = _errors(language, after)
    if isinstance(errors, Unchecked):
        return _said(path, None, errors.reason)
    if not errors:
        return _said(path, True, "parses")
    told = " and ".join(f"line {one.line}: {one.what}" for one in errors[:_SHOWN])
    known = _errors(language, before) if before is not None and len(before) <= _LARGEST else ()
    if known and not isinstance(known, Unchecked) and not _new(errors, known):
        return _said(path, None, f"{told}; it did not parse before either")
    worst = errors[0] if isinstance(known, Unchecked) else (_new(errors, known) or errors)[0]
    return Check(name=_NAME, passed=False, detail=f"{path}:{worst.line}: {worst.what}")


def _new(errors: tuple[Fault, ...], known: tuple[Fault, ...]) -> list[Fault]:
    """Errors beyond those that stood on the same text before; CPython tells one only, so any was there."""
    left = [one.text for one in known]
    new = []
    for one in errors:
        if one.text in left:
            left.remove(one.text)
        else:
            new.append(one)
    return new


def _said(path: str, passed: bool | None, what: str) -> Check:
    return Check(name=_NAME, passed=passed, detail=f"{path}: {what}")


def _errors(language: str, source: str) -> tuple[Fault, ...] | Unchecked:
    if language == "python":
        return _compiled(source)
    found = faults(language, source.removeprefix(BOM))
    return Unchecked(found.reason) if isinstance(found, TooMuch) else found


def _compiled(source: str) -> tuple[Fault, ...] | Unchecked:
    """What is wrong with a Python source, with its line."""
    # Narrow to our own pseudo file, so that other threads and other warnings are not concerned.
    warnings.filterwarnings("ignore", module=_FILENAME)
    try:
        with _ONE_TREE_AT_A_TIME:
            tree = ast.parse(source.removeprefix(BOM), _FILENAME)
            if _bearable(tree):
                compile(tree, _FILENAME, "exec", dont_inherit=True)
    except SyntaxError as error:
        return (Fault(error.lineno or 1, clipped(error.msg, 300), ""),)
    except ValueError as error:
        return (Fault(1, clipped(str(error), 300), ""),)
    except (RecursionError, MemoryError, OverflowError):
        return Unchecked("nested too deeply to be checked")
    return ()


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
