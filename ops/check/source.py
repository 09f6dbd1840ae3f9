"""One parsed file, and what every law asks of it: its place in the house and the names it uses."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Breach:
    """One place where a law is broken."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Source:
    """A module: `path` is relative to the project's root, with forward slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def stem(self) -> str:
        return PurePosixPath(self.path).stem

    def within(self, *places: str) -> bool:
        """Whether the file is one of the modules or packages, given without `.py`."""
        module = self.path.removesuffix(".py")
        return any(module == place or module.startswith(f"{place}/") for place in places)

    def breach(self, line: int, message: str) -> Breach:
        return Breach(self.path, line, message)

    def functions(self) -> Iterator[FunctionNode]:
        return (node for node in ast.walk(self.tree) if isinstance(node, FunctionNode))

    @cached_property
    def imported(self) -> dict[str, str]:
        """Local name → dotted origin, for every import in the file."""
        names: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    first = alias.name.partition(".")[0]
                    names[alias.asname or first] = alias.name if alias.asname else first
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return names

    def uses(self) -> Iterator[tuple[int, str]]:
        """Line and dotted origin of every imported thing that the file names."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name | ast.Attribute) and (origin := self._origin(node)):
                yield node.lineno, origin

    def _origin(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Attribute):
            base = self._origin(node.value)
            return f"{base}.{node.attr}" if base else None
        return self.imported.get(node.id) if isinstance(node, ast.Name) else None
