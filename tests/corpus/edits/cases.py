"""Changes of small trees: what is there, what is asked, and the tree that has to come of it.

The expected tree is made by replacing text, which shares nothing with what is tested.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Part:
    """Lines of a file and what stands there afterwards; `below` names the function or class they stand in."""

    path: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    below: str = ""


@dataclass(frozen=True)
class Case:
    """A change: parts of files, files made, removed and moved (old path to new)."""

    name: str
    before: Mapping[str, str]
    parts: tuple[Part, ...] = ()
    creates: Mapping[str, str] = field(default_factory=dict)
    deletes: tuple[str, ...] = ()
    moves: Mapping[str, str] = field(default_factory=dict)

    @property
    def after(self) -> dict[str, str]:
        """The tree that is expected."""
        tree = {
            self.moves.get(path, path): text for path, text in self.before.items() if path not in self.deletes
        }
        for part in self.parts:
            tree[part.path] = replaced(tree[part.path], part)
        return {**tree, **self.creates}

    def start(self, path: str) -> str:
        """A file as it was, by the path that it has afterwards."""
        origin = {new: old for old, new in self.moves.items()}
        return self.before[origin.get(path, path)]


def replaced(text: str, part: Part) -> str:
    """The text with the one place of a part changed, in the endings of the file."""
    end = "\r\n" if "\r\n" in text else "\n"
    padded = text if text.endswith("\n") else text + end
    old, new = ("".join(line + end for line in lines) for lines in (part.old, part.new))
    assert (end + padded).count(end + old) == 1, part
    made = (end + padded).replace(end + old, end + new).removeprefix(end)
    return made if text.endswith("\n") else made.removesuffix(end)


def part(path: str, old: str, new: str, below: str = "") -> Part:
    """A part out of plain text."""
    return Part(path, tuple(old.split("\n")), tuple(new.split("\n")), below)


SHOP: Final = '''"""A shop."""

import json


class Cart:
    """What somebody wants."""

    def __init__(self, items=None):
        self.items = items or []

    def total(self):
        amount = 0
        for item in self.items:
            amount += item.price

        return amount

    def clear(self):
        self.items = []
        return None


class Shelf:
    def __init__(self, items=None):
        self.items = items or []

    def clear(self):
        self.items = []
        return None


def load(path):
    with open(path) as file:
        return json.load(file)
'''
SCRIPT: Final = (
    "function sum(list) {\n\tlet total = 0;\n\tfor (const one of list) {\n\t\ttotal += one;\n\t}\n"
    "\treturn total;\n}\n\nmodule.exports = { sum };\n"
)
GUIDE: Final = (
    "# Guide\n\nFirst lines.\n\n## Install\n\nRun this:\n\n```sh\nmake install\n```\n\nThat is all.\n"
)
TABLE: Final = "name;price\r\napple;10\r\npear;20\r\nplum;30\r\n"
TOTAL: Final = part(
    "src/shop.py",
    "        amount = 0\n        for item in self.items:\n            amount += item.price",
    "        amount = Decimal(0)\n        for item in self.items:\n"
    "            amount += Decimal(item.price)\n            self.seen.add(item)",
    "def total(self):",
)
IMPORT: Final = part(
    "src/shop.py", "import json\n\n\nclass Cart:", "import json\nfrom decimal import Decimal\n\n\nclass Cart:"
)
LOAD: Final = part(
    "src/shop.py",
    "    with open(path) as file:\n        return json.load(file)",
    '    with open(path, encoding="utf-8") as file:\n        found = json.load(file)\n    return found',
    "def load(path):",
)
CASES: Final = (
    Case("one part", {"src/shop.py": SHOP, "README.md": GUIDE}, (TOTAL,)),
    Case("three parts", {"src/shop.py": SHOP}, (IMPORT, TOTAL, LOAD)),
    Case(
        "two files",
        {"src/shop.py": SHOP, "web/sum.js": SCRIPT},
        (
            TOTAL,
            part(
                "web/sum.js",
                "\tfor (const one of list) {\n\t\ttotal += one;\n\t}",
                "\tfor (const one of list ?? []) {\n\t\tif (one) {\n\t\t\ttotal += one;\n\t\t}\n\t}",
                "function sum(list) {",
            ),
        ),
    ),
    Case(
        "CRLF",
        {"data/prices.csv": TABLE},
        (part("data/prices.csv", "apple;10\npear;20", "apple;11\napricot;12\npear;20"),),
    ),
    Case(
        "byte order mark",
        {"src/marked.py": "\ufeff" + SHOP},
        (
            part(
                "src/marked.py",
                "def load(path):\n    with open(path) as file:\n        return json.load(file)",
                "def load(path, how):\n    with open(path, how) as file:\n        return json.load(file)",
            ),
        ),
    ),
    Case(
        "open end",
        {"notes.cfg": "[main]\nfirst = 1\nsecond = 2\nthird = 3"},
        (part("notes.cfg", "second = 2\nthird = 3", "second = 2\nthird = 33\nfourth = 4"),),
    ),
    Case(
        "unicode",
        {"größe/maß.py": 'GRÖSSE = "groß – größer"\n\n\ndef maß(wert):\n    return wert * 2\n'},
        (
            part(
                "größe/maß.py",
                "def maß(wert):\n    return wert * 2",
                "def maß(wert):\n    größer = wert * 3\n    return größer",
            ),
        ),
    ),
    Case(
        "create and delete",
        {"src/shop.py": SHOP, "old/gone.py": "x = 1\ny = 2\n"},
        (TOTAL,),
        creates={"src/new/tax.py": "RATE = 19\n\n\ndef tax(amount):\n    return amount * RATE // 100\n"},
        deletes=("old/gone.py",),
    ),
    Case(
        "move",
        {"src/shop.py": SHOP, "web/sum.js": SCRIPT},
        (part("web/lib/total.js", "\tlet total = 0;", "\tlet total = 0n;"),),
        moves={"web/sum.js": "web/lib/total.js"},
    ),
)  # fmt: skip
