"""Bug fixes: the demo's `merge` of intervals is really mended, by looking at the file that was sent.

Any other file gets a harmless comment, so that the answer applies and changes no behaviour.
"""

import ast
import re
from typing import Final

from orchestrator.simulator.scripts import code
from orchestrator.simulator.scripts.code import Block, CodeAnswer
from orchestrator.simulator.scripts.prompt import Prompt

_MERGE: Final = re.compile(r"^def merge\w*\(", re.MULTILINE)
_IF: Final = r"^(\s*(?:if|elif|while)\b.*"
_START: Final = r"\b(?:start|begin|low|left)\w*(?:\[0\])?"
_END: Final = r"(?:(?:end|stop|high|right)\w*|\[1\])"
_TOUCHING: Final = re.compile(rf"{_IF}{_START}\s*)<(?=[^=<].*{_END})")
_TOUCHING_TURNED: Final = re.compile(rf"{_IF}{_END}\s*)>(?=[^=>].*{_START})")
_NOTE: Final = "# Simulated change: a script touched this file, no model looked at it."
_BEFORE_NOTE: Final = re.compile(r"#!|#.*coding[:=]")


def fix(prompt: Prompt) -> CodeAnswer:
    """The answer to a task that asks for a bug to be mended."""
    for path, content in prompt.files.items():
        if _is_source(path) and _MERGE.search(content) and (mended := mend_merge(content)):
            return _mended(prompt, path, content, mended)
    return noted(
        prompt, "This script mends only the bug of the demo; here is a harmless comment in its place."
    )


def mend_merge(content: str) -> str | None:
    """The file with touching intervals merged and its input sorted; None where there is nothing to mend."""
    lines = content.split("\n")
    touched = [_TOUCHING_TURNED.sub(r"\1>=", _TOUCHING.sub(r"\1<=", line)) for line in lines]
    function = _merge_function(content)
    if touched == lines or function is None or not function.args.args:
        return None
    return "\n".join(_sorted_input(touched, function))


def _mended(prompt: Prompt, path: str, content: str, mended: str) -> CodeAnswer:
    lines = zip(content.split("\n"), mended.split("\n"), strict=False)
    line = next(number for number, (old, new) in enumerate(lines, 1) if old != new)
    return CodeAnswer(
        "Touching intervals were kept apart because the comparison left out equality, and the loop relied on"
        " sorted input. The comparison now includes equality, and the input is sorted first.",
        (code.edit(path, content, mended),),
        code.verdicts(prompt.criteria, "met", f"{path}:{line}", "The change makes it so."),
    )


def _merge_function(content: str) -> ast.FunctionDef | None:
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return None
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return next((node for node in functions if node.name.startswith("merge")), None)


def _sorted_input(lines: list[str], function: ast.FunctionDef) -> list[str]:
    """The lines with the function's first argument sorted: in its loop, or before its first statement."""
    name = function.args.args[0].arg
    if re.search(rf"sorted\({name}\b|\b{name}\.sort\(", "\n".join(lines)):
        return lines
    uses = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == name]
    loops = [node for node in ast.walk(function) if isinstance(node, ast.For)]
    loop = next((node for node in loops if isinstance(node.iter, ast.Name) and node.iter.id == name), None)
    if loop is not None and len(uses) == 1:
        at = loop.iter.lineno - 1
        return [*lines[:at], re.sub(rf"\bin {name}\b", f"in sorted({name})", lines[at]), *lines[at + 1 :]]
    first = _first_statement(function)
    at = first.lineno - 1
    return [*lines[:at], f"{' ' * first.col_offset}{name} = sorted({name})", *lines[at:]]


def _first_statement(function: ast.FunctionDef) -> ast.stmt:
    documented = ast.get_docstring(function) is not None and len(function.body) > 1
    return function.body[1 if documented else 0]


def noted(prompt: Prompt, why: str) -> CodeAnswer:
    """A comment in the first file that may be changed, or a page of notes: what a script can always do."""
    sources = (path for path, content in prompt.files.items() if path.endswith(".py") and content.strip())
    path = next((path for path in sources if prompt.allows(path)), None)
    block = _annotated(path, prompt.files[path]) if path else _notes_file(prompt)
    return CodeAnswer(
        why,
        (block,),
        code.verdicts(prompt.criteria, "cant_tell", f"{block.path}:1", "No model looked at this."),
    )


def _annotated(path: str, content: str) -> Block:
    lines = content.split("\n")
    at = next(number for number, line in enumerate(lines) if not _BEFORE_NOTE.match(line))
    return code.edit(path, content, "\n".join([*lines[:at], _NOTE, *lines[at:]]))


def _notes_file(prompt: Prompt) -> Block:
    folder = prompt.inside("simulated")
    path, number = f"{folder}/notes.md", 1
    while path in prompt.files:
        number += 1
        path = f"{folder}/notes_{number}.md"
    return Block(path, "", "Simulated note: a script answered, no model looked at it.")


def _is_source(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(".py") and not name.startswith("test_")
