"""Whether two sources are the same code: equal but for comments and, in Python, docstrings.

Trees are compared node by node with their depth, so that neither a token nor its nesting may differ. A source
that does not fit its grammar can't be told from another one, and is never called equal.
"""

import re
from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

from workers.grammars import LARGEST, parse, text_of

_COMMENTS: Final = frozenset({"comment", "line_comment", "block_comment"})
_IDLE: Final = frozenset({"pass_statement", "line_continuation"})
_STRINGS: Final = frozenset({"string", "concatenated_string", "ellipsis"})
# Comments that compilers obey: Go's directives, pragmas of JSX, Python's encoding, Java's escapes, which end
# a comment before it is read, and those that hold the end of a line where a statement ends by it.
_OBEYED: Final = {"go": ("//go:", "//export ", "// +build", "//line ", "/*line ")}
_ENDED_BY_LINES: Final = frozenset({"go", "javascript", "typescript", "tsx"})
_ENCODING: Final = re.compile(r"#.*?coding[:=]")
_Token = tuple[int, str, str]


def same_code(language: str, before: str, after: str) -> bool | None:
    """Whether both do the same because they are the same; None where that can't be told."""
    sources = before.encode("utf-8", "replace"), after.encode("utf-8", "replace")
    if max(map(len, sources)) > LARGEST or (language == "go" and any(b'"C"' in each for each in sources)):
        # A comment above Go's import "C" is a source of its own.
        return None
    one, other = (parse(language, source) for source in sources)
    if one.root_node.has_error:
        return None
    if other.root_node.has_error:
        return False
    return _tokens(language, one.root_node) == _tokens(language, other.root_node)


def _tokens(language: str, root: Node) -> list[_Token]:
    return list(_walk(language, root))


def _walk(language: str, root: Node) -> Iterator[_Token]:
    waiting: list[tuple[Node, int]] = [(root, 0)]
    source = root.text or b""
    while waiting:
        node, depth = waiting.pop()
        if _says_nothing(language, node, source):
            continue
        leaf = "" if node.child_count or not depth else text_of(node)
        if node.child_count or leaf.strip() or not depth:
            yield depth, node.type, leaf
        if node.type not in _COMMENTS:
            waiting.extend((child, depth + 1) for child in reversed(node.children))


def _says_nothing(language: str, node: Node, source: bytes) -> bool:
    if node.type in _COMMENTS:
        return not (_obeyed(language, node) or _ends_a_line(language, node, source))
    if language != "python":
        return False
    return node.type in _IDLE or (node.type == "expression_statement" and _is_docstring(node))


def _ends_a_line(language: str, node: Node, source: bytes) -> bool:
    """Whether the only end of a line between two tokens is in this comment."""
    if language not in _ENDED_BY_LINES or node.start_point[0] == node.end_point[0]:
        return False
    at, end = node.start_byte - node.start_point[1], source.find(b"\n", node.end_byte)
    after = source[node.end_byte : end if end >= 0 else len(source)]
    return bool(source[at : node.start_byte].strip() and after.strip())


def _obeyed(language: str, node: Node) -> bool:
    comment = text_of(node)
    if language == "java":
        return "\\u" in comment
    if language == "python":
        return node.start_point[0] < 2 and _ENCODING.match(comment) is not None
    if language in _ENDED_BY_LINES - {"go"}:
        return "@jsx" in comment
    return comment.startswith(_OBEYED.get(language, ()))


def _is_docstring(statement: Node) -> bool:
    """A string that stands alone: it has no effect but its text, unless it holds expressions."""
    if statement.child_count != 1 or statement.children[0].type not in _STRINGS:
        return False
    waiting = [statement.children[0]]
    while waiting:
        node = waiting.pop()
        if node.type == "interpolation":
            return False
        waiting.extend(node.children)
    return True
