"""Do two answers say the same? Each has a fingerprint: that of what it makes, but for layout and comments.

Python is compared by its syntax tree without docstrings and places; other text by its lines, with white
space made plain, but for indentation where it has a meaning. What an answer says about itself does not count.
"""

import ast
import hashlib
import re
from typing import Final

from schemas.results import Answered, ChatResult, CodeResult, FileChange
from workers.verify.check import parsed

_WITH_DOCSTRING: Final = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_INDENTED: Final = (".py", ".pyi", ".yaml", ".yml", ".sass", ".coffee", ".haml", ".pug", ".nim", ".hs", ".fs")
_GAP: Final = re.compile(r"\s+")


def fingerprint(result: Answered) -> str:
    """Equal for answers that agree; for a review, of what it says as a whole."""
    match result:
        case CodeResult():
            said = [part for file in sorted(result.files, key=_path) for part in _file(file)]
        case ChatResult():
            said = [_plain(result.text)]
        case _:
            said = [finding.model_dump_json() for finding in result.findings]
    digest = hashlib.sha256()
    for part in said:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()[:16]


def _path(file: FileChange) -> str:
    return file.path


def _file(file: FileChange) -> tuple[str, str, str]:
    content = file.content or ""
    tree = parsed(content) if file.path.endswith((".py", ".pyi")) else None
    return file.path, str(file.operation), _tree(tree, content) if tree else _other(file.path, content)


def _tree(tree: ast.Module, source: str) -> str:
    for node in ast.walk(tree):
        if isinstance(node, _WITH_DOCSTRING) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        elif isinstance(node, ast.Constant):
            node.kind = None
    try:
        return ast.dump(tree)
    except RecursionError:
        return _plain(source)


def _other(path: str, text: str) -> str:
    if not path.lower().endswith(_INDENTED):
        return _plain(text)
    lines = (line for line in text.expandtabs().splitlines() if line.strip())
    return "\n".join(f"{len(line) - len(line.lstrip())} {_plain(line)}" for line in lines)


def _plain(text: str) -> str:
    lines = (_GAP.sub(" ", line).strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)
