"""The names that a Python module binds for others, read from its syntax tree and never by running it."""

from dataclasses import dataclass
from typing import Final

from tree_sitter import Node

from workers.grammars import LARGEST, parse, text_of

_DEFINITIONS: Final = frozenset({"function_definition", "class_definition"})
_TARGETS: Final = frozenset({"pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern"})


@dataclass(frozen=True, slots=True)
class Names:
    """`defined` by the module, public; `bound` in any way; `open_ended` if more may come at run time."""

    defined: frozenset[str]
    bound: frozenset[str]
    open_ended: bool


def public_names(source: str) -> Names | None:
    """The names of a module; None where it can't be read."""
    data = source.encode("utf-8", "replace")
    if len(data) > LARGEST:
        return None
    root = parse("python", data).root_node
    if root.has_error:
        return None
    defined: set[str] = set()
    imported: set[str] = set()
    open_ended = False
    waiting = list(root.children)
    while waiting:
        node = waiting.pop()
        if node.type in _DEFINITIONS:
            defined |= _named(node)
            open_ended |= "__getattr__" in defined
        elif node.type == "assignment":
            defined |= _targets(node.child_by_field_name("left"))
        elif node.type in ("import_statement", "import_from_statement"):
            imported |= _imported(node)
            open_ended |= any(child.type == "wildcard_import" for child in node.children)
        else:
            waiting.extend(node.children)
    public = frozenset(name for name in defined if not name.startswith("_"))
    return Names(public, frozenset(defined | imported), open_ended)


def _named(definition: Node) -> set[str]:
    name = definition.child_by_field_name("name")
    return {text_of(name)} if name else set()


def _targets(left: Node | None) -> set[str]:
    if left is None:
        return set()
    if left.type == "identifier":
        return {text_of(left)}
    return {name for child in left.children for name in _targets(child)} if left.type in _TARGETS else set()


def _imported(statement: Node) -> set[str]:
    names: set[str] = set()
    for node in statement.children_by_field_name("name"):
        alias = node.child_by_field_name("alias")
        names.add(text_of(alias) if alias else text_of(node).partition(".")[0])
    return names
