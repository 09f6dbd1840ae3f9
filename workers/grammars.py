"""The grammars of six languages (tree-sitter), each loaded when it is first needed.

A parser made here is used by one thread; the languages behind it are shared.
"""

from functools import cache
from pathlib import PurePosixPath
from typing import Final

from tree_sitter import Language, Node, Parser, Tree

LARGEST: Final = 400_000
"""Bytes of a source that is parsed at most."""

_SUFFIXES: Final = {
    ".py": "python",
    ".pyi": "python",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".jsx": "javascript",
    ".ts": "typescript",
    ".mts": "typescript",
    ".cts": "typescript",
    ".tsx": "tsx",
    ".go": "go",
    ".java": "java",
    ".rs": "rust",
}


def language_of(path: str) -> str | None:
    """The language of a file by its suffix, where there is a grammar for it."""
    return _SUFFIXES.get(PurePosixPath(path).suffix.lower())


def parse(language: str, source: bytes) -> Tree:
    """The syntax tree of a source; what does not fit the grammar stands in ERROR nodes."""
    return Parser(grammar(language)).parse(source)


def text_of(node: Node) -> str:
    """The text of a node."""
    return (node.text or b"").decode("utf-8", "replace")


@cache
def grammar(language: str) -> Language:
    """A language by the names that `language_of` gives."""
    # Each grammar is a module of its own with half a megabyte of tables.
    match language:
        case "python":
            import tree_sitter_python

            return Language(tree_sitter_python.language())
        case "javascript":
            import tree_sitter_javascript

            return Language(tree_sitter_javascript.language())
        case "typescript" | "tsx":
            import tree_sitter_typescript

            chosen = tree_sitter_typescript
            return Language(chosen.language_tsx() if language == "tsx" else chosen.language_typescript())
        case "go":
            import tree_sitter_go

            return Language(tree_sitter_go.language())
        case "java":
            import tree_sitter_java

            return Language(tree_sitter_java.language())
        case _:
            import tree_sitter_rust

            return Language(tree_sitter_rust.language())
