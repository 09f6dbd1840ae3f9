"""Documentation: docstrings where a Python file lacks them, made of names and parameters; else a page."""

import ast
from collections.abc import Iterator
from typing import Final

from orchestrator.simulator.scripts import code
from orchestrator.simulator.scripts.code import Block, CodeAnswer
from orchestrator.simulator.scripts.prompt import Prompt

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_MOST_FILES: Final = 200


def document(prompt: Prompt) -> CodeAnswer:
    """The answer to a task that asks for documentation."""
    block = _docstrings(prompt) or _page(prompt)
    return CodeAnswer(
        "Docstrings of names and parameters, where there were none: what a thing is for, no script can tell.",
        (block,),
        code.verdicts(prompt.criteria, "cant_tell", f"{block.path}:1", "No model looked at this."),
    )


def documented(content: str) -> str | None:
    """The file with a docstring for each definition that lacks one; None where nothing is lacking."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return None
    lines = content.split("\n")
    # From the end, so that the lines before keep their numbers.
    found = sorted(_lacking(tree, lines), key=lambda node: node.lineno, reverse=True)
    for node in found:
        first = node.body[0]
        text = f'{" " * first.col_offset}"""{_said(node)}"""'
        lines.insert(_first_line(first) - 1, text)
    return "\n".join(lines) if found else None


def _lacking(tree: ast.Module, lines: list[str]) -> Iterator[_Definition]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        # A body on the line of its `def` has no place for a docstring.
        first = node.body[0]
        alone = not lines[_first_line(first) - 1][: first.col_offset].strip()
        if alone and ast.get_docstring(node) is None:
            yield node


def _first_line(statement: ast.stmt) -> int:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return min([statement.lineno, *(each.lineno for each in statement.decorator_list)])
    return statement.lineno


def _said(node: _Definition) -> str:
    words = node.name.strip("_").replace("_", " ") or node.name
    head = words[0].upper() + words[1:]
    if isinstance(node, ast.ClassDef):
        return f"{head}."
    parameters = [each.arg for each in node.args.args if each.arg not in ("self", "cls")]
    return f"{head}, given {', '.join(parameters)}." if parameters else f"{head}."


def _docstrings(prompt: Prompt) -> Block | None:
    for path, content in prompt.files.items():
        if not path.endswith(".py") or not prompt.allows(path) or "\r" in content or "\t" in content:
            continue
        if text := documented(content):
            return code.edit(path, content, text)
    return None


def _page(prompt: Prompt) -> Block:
    folder = prompt.inside("docs")
    path, number = f"{folder}/overview.md", 1
    while path in prompt.files:
        number += 1
        path = f"{folder}/overview_{number}.md"
    listed = "\n".join(f"- `{name}`" for name in list(prompt.files)[:_MOST_FILES])
    return Block(path, "", f"# Overview\n\nA simulated page: a script listed the files.\n\n{listed}")
