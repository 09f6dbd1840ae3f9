"""Refactorings: two that a script can do without changing what a Python file does.

`if x: return True` with `return False` behind it becomes `return bool(x)`; `not a in b` becomes `a not in b`.
"""

import ast
from collections.abc import Iterator
from typing import Final

from orchestrator.simulator.scripts import code
from orchestrator.simulator.scripts.code import CodeAnswer
from orchestrator.simulator.scripts.fix import noted
from orchestrator.simulator.scripts.prompt import Prompt

_NOTHING: Final = "This script knows two refactorings, and neither fits here: a harmless comment instead."
_Change = tuple[int, int, str]
"""The first and last line that are replaced (from 1), and what by."""


def refactor(prompt: Prompt) -> CodeAnswer:
    """The answer to a task that asks for a refactoring."""
    for path, content in prompt.files.items():
        if path.endswith(".py") and prompt.allows(path) and (better := simpler(content)):
            line = _first_difference(content, better)
            return CodeAnswer(
                "A condition is said more simply; what the code does stays.",
                (code.edit(path, content, better),),
                code.verdicts(prompt.criteria, "cant_tell", f"{path}:{line}", "No model looked at this."),
            )
    return noted(prompt, _NOTHING)


def simpler(content: str) -> str | None:
    """The file with the first refactoring that fits; None where none does."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return None
    lines = content.split("\n")
    for first, last, text in _changes(tree, content):
        better = "\n".join([*lines[: first - 1], *text.split("\n"), *lines[last:]])
        if _parses(better):
            return better
    return None


def _changes(tree: ast.Module, content: str) -> Iterator[_Change]:
    for node in ast.walk(tree):
        for body in (getattr(node, "body", None), getattr(node, "orelse", None)):
            if isinstance(body, list):
                yield from _truths(body, content)
    lines = content.split("\n")
    for node in ast.walk(tree):
        if turned := _turned(node, content):
            line = lines[node.lineno - 1] if isinstance(node, ast.expr) else ""
            old, new = turned
            if line.count(old) == 1 and isinstance(node, ast.expr):
                yield node.lineno, node.lineno, line.replace(old, new)


def _truths(body: list[ast.stmt], content: str) -> Iterator[_Change]:
    for statement, after in zip(body, [*body[1:], None], strict=False):
        if not isinstance(statement, ast.If) or not _returns(statement.body, True):
            continue
        rest = statement.orelse or ([after] if after is not None else [])
        condition = ast.get_source_segment(content, statement.test)
        # An `elif` is an `if` inside an `else`, and can't become a statement of its own.
        alone = (ast.get_source_segment(content, statement) or "").startswith("if")
        if alone and _returns(rest, False) and condition and "\n" not in condition:
            last = rest[0].end_lineno or rest[0].lineno
            yield statement.lineno, last, f"{' ' * statement.col_offset}return bool({condition})"


def _returns(body: list[ast.stmt], value: bool) -> bool:
    if len(body) != 1 or not isinstance(body[0], ast.Return):
        return False
    said = body[0].value
    return isinstance(said, ast.Constant) and said.value is value


def _turned(node: ast.AST, content: str) -> tuple[str, str] | None:
    """`not a in b` as it stands, and turned."""
    if not (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
        return None
    inner = node.operand
    if not (isinstance(inner, ast.Compare) and len(inner.ops) == 1 and isinstance(inner.ops[0], ast.In)):
        return None
    parts = [ast.get_source_segment(content, part) for part in (node, inner.left, inner.comparators[0])]
    whole, left, right = parts
    if not (whole and left and right) or "\n" in whole or "(" in whole.partition(left)[0]:
        return None
    return whole, f"{left} not in {right}"


def _parses(content: str) -> bool:
    try:
        ast.parse(content)
    except (SyntaxError, ValueError):
        return False
    return True


def _first_difference(old: str, new: str) -> int:
    pairs = zip(old.split("\n"), new.split("\n"), strict=False)
    return next((number for number, (before, after) in enumerate(pairs, 1) if before != after), 1)
