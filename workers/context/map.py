"""A map of the code: what each file defines, and which files matter for a task.

Definitions come from syntax trees; a file that uses a name points at the files that define it; the rank is
PageRank over these arrows, started from the files and names that the task itself speaks of. Equal input gives
an equal order.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import sqrt
from typing import Final

from tree_sitter import Query, QueryCursor

from workers.grammars import LARGEST, grammar, language_of, parse, text_of

MOST_READ: Final = 4_000_000
"""Bytes of source that are read for a map; what lies beyond has no definitions in it."""

_ROUNDS: Final = 15
_DAMPING: Final = 0.85
_COMMON: Final = 8
"""A name that more files define than this says nothing about where it comes from."""
_NAMED, _SPOKEN_OF, _EVERYONE = 10.0, 2.0, 0.05
_LINE_LENGTH: Final = 120
_MOST_OUTLINED: Final = 40
_IDENTIFIER: Final = re.compile(r"[A-Za-z_]\w{2,60}")
_PATH: Final = re.compile(r"[\w.@+-]+(?:[/\\][\w.@+-]+)*\.\w+")
_LINE: Final = re.compile(r"([\w.@+-]+(?:[/\\][\w.@+-]+)*\.\w+)(?:\", line |\(|:)(\d{1,7})")
_DEFINING: Final = {
    "python": "function_definition class_definition",
    "javascript": "function_declaration generator_function_declaration class_declaration method_definition",
    "typescript": "function_declaration generator_function_declaration class_declaration method_definition"
    " abstract_class_declaration interface_declaration type_alias_declaration enum_declaration",
    "go": "function_declaration method_declaration type_spec",
    "java": "class_declaration interface_declaration enum_declaration record_declaration method_declaration",
    "rust": "function_item struct_item enum_item union_item trait_item type_item macro_definition",
}


@dataclass(frozen=True, slots=True)
class Definition:
    """A name with its line (from 1) and what that line says."""

    name: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Mentions:
    """What a task speaks of: files and, in them, lines; and every word that may be a name."""

    paths: Mapping[str, float]
    lines: Mapping[str, frozenset[int]] = field(default_factory=dict)
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CodeMap:
    """The files in the order they matter, and what each defines."""

    order: tuple[str, ...]
    definitions: Mapping[str, tuple[Definition, ...]]


def mentions(texts: Iterable[str], paths: Iterable[str]) -> Mentions:
    """What the texts speak of, among the paths; `/app/src/a.py` in a traceback means `src/a.py`."""
    endings: dict[str, list[str]] = defaultdict(list)
    for path in sorted(paths):
        parts = path.split("/")
        for start in range(len(parts)):
            endings["/".join(parts[start:])].append(path)
    named: dict[str, float] = defaultdict(float)
    lines: dict[str, set[int]] = defaultdict(set)
    words: set[str] = set()
    for text in texts:
        words.update(_IDENTIFIER.findall(text))
        for word in set(_PATH.findall(text)):
            found = _meant(word, endings)
            for path in found:
                named[path] += _NAMED / len(found)
        for word, number in _LINE.findall(text):
            for path in _meant(word, endings):
                lines[path].add(int(number))
    return Mentions(dict(named), {path: frozenset(found) for path, found in lines.items()}, frozenset(words))


def code_map(files: Mapping[str, str], said: Mentions) -> CodeMap:
    """The files by how much they matter for what was said, the first the most."""
    left, definitions, used = MOST_READ, {}, {}
    for path in sorted(files, key=lambda path: (path not in said.paths, path)):
        size = len(files[path])
        if size > min(left, LARGEST):
            continue
        left -= size
        definitions[path] = _definitions(path, files[path])
        used[path] = Counter(_IDENTIFIER.findall(files[path])) if language_of(path) else Counter[str]()
    definers: dict[str, set[str]] = defaultdict(set)
    for path, found in definitions.items():
        for each in found:
            definers[each.name].add(path)
    start = _start(files, said, definers)
    rank = _page_rank(start, _arrows(used, definers))
    order = sorted(files, key=lambda path: (path not in said.paths, -round(rank[path], 12), path))
    return CodeMap(tuple(order), definitions)


def outlined(definitions: Sequence[Definition]) -> str:
    """What a file defines, a line each, with line numbers; of many the first, and how many more."""
    rows = [f"{each.line}: {each.text}" for each in definitions[:_MOST_OUTLINED]]
    more = len(definitions) - len(rows)
    return "\n".join([*rows, f"… and {more} more"] if more else rows)


def _meant(word: str, endings: Mapping[str, list[str]]) -> list[str]:
    parts = word.replace("\\", "/").removeprefix("./").split("/")
    for start in range(len(parts)):
        if found := endings.get("/".join(parts[start:])):
            return found
    return []


def _definitions(path: str, text: str) -> tuple[Definition, ...]:
    language = language_of(path)
    if language is None:
        return ()
    lines = text.split("\n")
    found = QueryCursor(_query(language)).captures(parse(language, text.encode("utf-8", "replace")).root_node)
    rows = {(node.start_point.row, text_of(node)) for node in found.get("name", ())}
    return tuple(
        Definition(name, row + 1, lines[row].rstrip()[:_LINE_LENGTH])
        for row, name in sorted(rows)
        if row < len(lines)
    )


@cache
def _query(language: str) -> Query:
    kinds = _DEFINING["typescript" if language == "tsx" else language].split()
    return Query(grammar(language), "\n".join(f"({kind} name: (_) @name)" for kind in kinds))


def _start(files: Mapping[str, str], said: Mentions, definers: Mapping[str, set[str]]) -> dict[str, float]:
    """Where a reader of the task would begin; the weights add up to 1."""
    weights = {path: _EVERYONE + said.paths.get(path, 0.0) for path in sorted(files)}
    for name in sorted(said.words & definers.keys()):
        if len(definers[name]) <= _COMMON:
            for path in sorted(definers[name]):
                weights[path] += _SPOKEN_OF / len(definers[name])
    total = sum(weights.values())
    return {path: weight / total for path, weight in weights.items()}


def _arrows(
    used: Mapping[str, Counter[str]], definers: Mapping[str, set[str]]
) -> dict[str, list[tuple[str, float]]]:
    """From each file to those that define what it uses; the shares of each add up to 1."""
    arrows: dict[str, list[tuple[str, float]]] = {}
    for path in sorted(used):
        weights: dict[str, float] = defaultdict(float)
        for name in sorted(used[path].keys() & definers.keys()):
            targets = definers[name] - {path}
            if path in definers[name] or not 0 < len(targets) <= _COMMON:
                continue
            for target in sorted(targets):
                weights[target] += sqrt(used[path][name]) / len(targets)
        total = sum(weights.values())
        arrows[path] = [(target, weight / total) for target, weight in weights.items()]
    return arrows


def _page_rank(start: Mapping[str, float], arrows: Mapping[str, list[tuple[str, float]]]) -> dict[str, float]:
    rank = dict(start)
    for _ in range(_ROUNDS):
        fresh = dict.fromkeys(start, 0.0)
        lost = 0.0
        for path, weight in rank.items():
            targets = arrows.get(path)
            if not targets:
                lost += weight
            for target, share in targets or ():
                fresh[target] += weight * share
        rank = {
            path: (1 - _DAMPING + _DAMPING * lost) * start[path] + _DAMPING * fresh[path] for path in start
        }
    return rank
