"""Where a quote stands: the table of every way in which models quote and number lines."""

from dataclasses import dataclass, field

import pytest

from schemas.results import Side
from workers.context.numbering import numbered
from workers.diffs.hunks import read_diff
from workers.verify.anchor import Anchor, Anchorage
from workers.verify.sides import Several

DIFF = """\
diff --git a/shop/cart.py b/shop/cart.py
index 1111111..2222222 100644
--- a/shop/cart.py
+++ b/shop/cart.py
@@ -10,6 +10,7 @@ class Cart:
     def total(self):
-        return sum(self.prices)
+        if not self.prices:
+            return None
         return max(self.prices)

     def clear(self):
@@ -60,3 +61,5 @@ class Cart:
     def add(self, price):
         self.prices.append(price)
+        if price is None:
+            return None
         log(price)
diff --git a/shop/old_name.py b/shop/new_name.py
similarity index 90%
rename from shop/old_name.py
rename to shop/new_name.py
--- a/shop/old_name.py
+++ b/shop/new_name.py
@@ -1,3 +1,3 @@
 import os
-HOME = os.environ["HOME"]
+HOME = os.environ.get("HOME")
 DEBUG = True
diff --git a/names.txt b/names.txt
--- a/names.txt
+++ b/names.txt
@@ -3,2 +3,6 @@
 Anna
+Jose\u0301 Ni\u00f1o
+\u5c71\u7530 \u592a\u90ce \U0001f600
+it's a \"name\"
+zero width
 Bert
diff --git a/gone.py b/gone.py
deleted file mode 100644
--- a/gone.py
+++ /dev/null
@@ -1,2 +0,0 @@
-def unused():
-    pass
"""
CART = "shop/cart.py"


@dataclass(frozen=True)
class Case:
    """A quote with its hints, and where it stands: path, side, first and last line; None: nowhere."""

    name: str
    quote: str
    stands: tuple[str, str, int, int] | tuple[int, ...] | None
    line: int | None = None
    file: str = CART
    side: Side = Side.NEW
    diff: str = field(default=DIFF, repr=False)


TWICE = "            return None"
NAMES = "names.txt"
CASES = (
    Case("exact", "    def clear(self):", (CART, "new", 15, 15), line=15),
    Case("moved", "    def clear(self):", (CART, "new", 15, 15), line=99),
    Case("no number", "    def clear(self):", (CART, "new", 15, 15)),
    Case("duplicate, numbered right", TWICE, (CART, "new", 64, 64), line=64),
    Case("duplicate, nearer to the first", TWICE, (CART, "new", 12, 12), line=30),
    Case("duplicate, nearer to the second", TWICE, (CART, "new", 64, 64), line=50),
    Case("duplicate, equally near", TWICE, (12, 64), line=38),
    Case("duplicate, no number", TWICE, (12, 64)),
    Case(
        "duplicate, told apart by a neighbour", f"        if price is None:\n{TWICE}", (CART, "new", 63, 64)
    ),
    Case("numbered by the diff's lines", TWICE, (CART, "new", 64, 64), line=17),
    Case("numbered from the file's first hunk", TWICE, (CART, "new", 12, 12), line=4),
    Case("numbered by the diff, one place", "        log(price)", (CART, "new", 65, 65), line=18),
    Case("deleted side", "        return sum(self.prices)", (CART, "old", 11, 11), side=Side.OLD, line=11),
    Case("deleted, said to be new", "        return sum(self.prices)", (CART, "old", 11, 11), line=11),
    Case("added, said to be old", "        if not self.prices:", (CART, "new", 11, 11), side=Side.OLD),
    Case("unchanged, of the old side", "        log(price)", (CART, "old", 62, 62), side=Side.OLD),
    Case("deleted file", "def unused():", ("gone.py", "old", 1, 1), file="gone.py", line=1),
    Case(
        "renamed, by its new name", "DEBUG = True", ("shop/new_name.py", "new", 3, 3), file="shop/new_name.py"
    ),
    Case(
        "renamed, by its old name", "DEBUG = True", ("shop/new_name.py", "new", 3, 3), file="shop/old_name.py"
    ),
    Case(
        "renamed, its removed line",
        'HOME = os.environ["HOME"]',
        ("shop/old_name.py", "old", 2, 2),
        file="shop/new_name.py",
    ),
    Case("composed otherwise", "Jos\u00e9 Nin\u0303o", (NAMES, "new", 4, 4), file=NAMES),
    Case("wide", "\u5c71\u7530 \u592a\u90ce \U0001f600", (NAMES, "new", 5, 5), file=NAMES),
    Case("wide space", "\u5c71\u7530\u3000\u592a\u90ce \U0001f600", (NAMES, "new", 5, 5), file=NAMES),
    Case("typographic quotes", "it\u2019s a \u201cname\u201d", (NAMES, "new", 6, 6), file=NAMES),
    Case("invisible characters", "zero\u200b wid\u2060th", (NAMES, "new", 7, 7), file=NAMES),
    Case("other characters", "Jose Nino", None, file=NAMES),
    Case(
        "multi-line",
        "        if not self.prices:\n            return None\n        return max(self.prices)",
        (CART, "new", 11, 13),
    ),
    Case(
        "multi-line over a blank line",
        "        return max(self.prices)\n\n    def clear(self):",
        (CART, "new", 13, 15),
    ),
    Case(
        "multi-line, numbered inside", f"        if price is None:\n{TWICE}", (CART, "new", 63, 64), line=64
    ),
    Case("multi-line over two hunks", "    def clear(self):\n    def add(self, price):", None),
    Case("trailing white space", "    def clear(self):  \t", (CART, "new", 15, 15)),
    Case("without indentation", "def clear(self):", (CART, "new", 15, 15)),
    Case("tabs for spaces", "\tif not self.prices:\n\t\t\treturn None", (CART, "new", 11, 12)),
    Case(
        "quoted with CRLF",
        "        if not self.prices:\r\n            return None\r\n",
        (CART, "new", 11, 12),
    ),
    Case("blank lines around", "\n\n    def clear(self):\n\n", (CART, "new", 15, 15)),
    Case("with the plus", "+        if not self.prices:\n+            return None", (CART, "new", 11, 12)),
    Case("with the minus", "-        return sum(self.prices)", (CART, "old", 11, 11), side=Side.OLD),
    Case("with the minus, said to be new", "-        return sum(self.prices)", (CART, "old", 11, 11)),
    Case(
        "with markers of both sides",
        "     def total(self):\n-        return sum(self.prices)\n+        if not self.prices:",
        (CART, "new", 10, 11),
    ),
    Case("with the prompt's numbers", "   12 +|            return None", (CART, "new", 12, 12)),
    Case("with the prompt's numbers, cut", "64 +|            return None", (CART, "new", 64, 64)),
    Case(
        "with the prompt's numbers, both sides", "62 65  |        log(price)", (CART, "new", 65, 65), line=1
    ),
    Case("with the prompt's numbers, old", "11    -|        return sum(self.prices)", (CART, "old", 11, 11)),
    Case(
        "several lines with the prompt's numbers",
        "10 10  |    def total(self):\n11    -|        return sum(self.prices)\n"
        "   11 +|        if not self.prices:",
        (CART, "new", 10, 11),
    ),
    Case("a part of a line", "max(self.prices)", (CART, "new", 13, 13)),
    Case("too short a part", "max", None),
    Case("a part of several lines", "self.prices", (11, 13, 62)),
    Case("a part of several lines, numbered", "self.prices", (CART, "new", 62, 62), line=62),
    Case("in another file, once", "DEBUG = True", ("shop/new_name.py", "new", 3, 3), file="nowhere.py"),
    Case("file with a prefix", "    def clear(self):", (CART, "new", 15, 15), file="b/shop/cart.py"),
    Case("not there", "        self.prices.clear()", None, line=15),
    Case("empty", " \n ", None, line=15),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_a_quote_stands_where_it_was_taken_from(case: Case, ending: str) -> None:
    diff = case.diff.replace("\n", ending)
    found = Anchorage(read_diff(diff)).anchor(case.file, case.side, case.line, case.quote)
    if isinstance(found, Anchor):
        path = found.file.path(found.side)
        assert (path, found.side.value, found.start_line, found.end_line) == case.stands
    elif isinstance(found, Several):
        assert found.numbers == case.stands
    else:
        assert case.stands is None


def test_every_line_as_the_prompt_shows_it_is_found_again() -> None:
    anchorage = Anchorage(read_diff(DIFF))
    shown = [line for line in numbered(DIFF).split("\n") if "|" in line[:12]]
    assert len(shown) == 24
    for text in shown:
        numbers, _, content = text.partition("|")
        marker, told = numbers[-1], [int(word) for word in numbers[:-1].split()]
        side = Side.OLD if marker == "-" else Side.NEW
        for quote in (content, text) if content.strip() else ():
            files = [name for file in read_diff(DIFF) if (name := file.path(side))]
            found = [anchorage.anchor(name, side, told[-1], quote) for name in files]
            assert any(isinstance(each, Anchor) and each.start_line == told[-1] for each in found)


def test_numbers_stand_before_each_line_and_nothing_else_changes() -> None:
    text = numbered(DIFF.replace("\n", "\r\n"))
    assert "\n11    -|        return sum(self.prices)\r\n   11 +|        if not self.prices:\r\n" in text
    assert "\n13 14  |\r\n" in text
    assert "\n@@ -60,3 +61,5 @@ class Cart:\r\n" in text
    assert "\n1   -|def unused():\r\n" in text or "\n 1    -|def unused():\r\n" in text
    shown = [line.partition("|") for line in text.split("\n")]
    back = "\n".join(
        head[-1] + tail if bar and not head.rstrip("+- ").strip("0123456789 ") else head + bar + tail
        for head, bar, tail in shown
    )
    assert back == DIFF.replace("\n\n", "\n \n").replace("\n", "\r\n").removesuffix("\r\n") + "\r\n"
