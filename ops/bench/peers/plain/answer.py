"""The prompt, and what an answer makes of the files."""

import ast
import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader

_TEMPLATES: Final = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=False)
_BLOCK: Final = re.compile(
    r"^(\S+)\n<<<<<<< SEARCH\n(.*?)^=======\n(.*?)^>>>>>>> REPLACE", re.MULTILINE | re.DOTALL
)


def messages(context: Mapping[str, Any]) -> list[dict[str, str]]:
    """What the model is asked."""
    system = _TEMPLATES.get_template("system.md").render()
    user = _TEMPLATES.get_template("user.md").render(context=context)
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def applied(files: Mapping[str, str], answer: str) -> dict[str, Any]:
    """The files after the answer's edits, as a diff. Raises `ValueError` where they don't apply."""
    after = dict(files)
    for path, search, replace in _BLOCK.findall(answer):
        before = after.get(path, "")
        if search and before.count(search) != 1:
            raise ValueError(f"the lines to be replaced are not once in {path}")
        after[path] = before.replace(search, replace) if search else replace
    changed = [path for path in after if after[path] != files.get(path)]
    if not changed:
        raise ValueError("the answer changes nothing")
    for path in changed:
        if path.endswith(".py"):
            ast.parse(after[path])
    diff = "".join(_diff(path, files.get(path, ""), after[path]) for path in changed)
    return {"diff": diff, "files": {path: after[path] for path in changed}, "explanation": answer[:2000]}


def _diff(path: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}"
    )
    return "".join(lines)
