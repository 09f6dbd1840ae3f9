"""A fitted prompt never exceeds its room, leaves nothing out in silence, and is the same each time."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.tasks import TASK_REQUEST
from workers.context import Composed, Gathered, TooLong, compose, gather
from workers.context.compose import size
from workers.context.fit import Unread
from workers.context.map import code_map, mentions
from workers.grammars import language_of

LONG = "".join(f"def step_{number}(value):\n    return value + {number}\n\n\n" for number in range(400))


def gathered(files: dict[str, str], **context: Any) -> Gathered:
    given = [{"path": path, "content": content} for path, content in files.items()]
    body = {"description": "Mend it.", "files": given, **context}
    return gather(TASK_REQUEST.validate_python({"kind": "fix_bug", "context": body}))


def user(composed: Composed) -> str:
    return composed.messages[-1].content


def test_what_fits_is_whole_and_needs_no_manifest() -> None:
    composed = compose(gathered({"a.py": "x = 1\n"}), 50_000)
    assert '<file path="a.py">\nx = 1\n</file>' in user(composed)
    assert "<manifest>" not in user(composed)
    assert composed.hidden == {}


def test_a_long_file_is_cut_with_a_mark_and_listed() -> None:
    tree = {"long.py": LONG, "README.md": "# Steps\n"}
    composed = compose(gathered(tree, description="Mend step_3 in long.py"), 14_000)
    text = user(composed)
    assert size(composed.messages) <= 14_000
    assert '<file path="long.py" shown="part">' in text
    assert f"long.py ({len(LONG)} bytes): cut" in text
    assert "README.md (8 bytes): whole" in text
    assert " of 1601 are not shown …]" in text
    assert "def step_3(value):" in text
    assert "def step_399" in "\n".join(composed.hidden["long.py"])


def test_the_lines_that_the_error_names_are_shown() -> None:
    said = 'File "/app/src/long.py", line 1201, in step_300'
    composed = compose(gathered({"src/long.py": LONG, "b.py": LONG}, error_report=said), 16_000)
    assert "    return value + 300\n" in user(composed)
    assert "b.py (" in user(composed)


def test_a_file_that_is_not_shown_is_outlined() -> None:
    tree = {f"m{number}.py": LONG.replace("step", f"part{number}") for number in range(6)}
    composed = compose(gathered(tree, description="See m0.py"), 30_000)
    assert "<outline>" in user(composed)
    assert set(composed.hidden) == set(tree)


def test_what_cannot_be_read_is_listed_with_its_reason() -> None:
    found = gathered({"a.py": "x = 1\n"})
    composed = compose(Gathered(found.request, (Unread("logo.png", 9, "not text"),)), 50_000)
    assert "logo.png (9 bytes): not text" in user(composed)
    assert "a.py (6 bytes): whole" in user(composed)


def test_without_room_for_the_task_itself_there_is_no_prompt() -> None:
    with pytest.raises(TooLong, match="there is room for 1,000"):
        compose(gathered({"a.py": LONG}), 1_000)


LINES = ["def a(b):", "    return b", "ü" * 40, "", "</file>", "x" * 900, "a.py:3"]
TREES = st.dictionaries(
    st.from_regex(r"[a-c]{1,3}/[a-d]{1,2}\.(py|js|md)", fullmatch=True),
    st.lists(st.sampled_from(LINES), max_size=80).map("\n".join),
    min_size=1,
    max_size=12,
)  # fmt: skip


@settings(max_examples=40)
@given(TREES, st.integers(9_000, 40_000))
def test_a_fitted_prompt_keeps_to_its_room_and_tells_of_every_file(files: dict[str, str], room: int) -> None:
    found = gathered(files)
    composed = compose(found, room)
    assert composed == compose(gathered(dict(reversed(files.items()))), room)
    assert size(composed.messages) <= room
    text = user(composed)
    whole = {path for path, content in files.items() if f'path="{path}">\n{content}' in text}
    assert whole | composed.hidden.keys() == files.keys()
    if composed.hidden:
        for path, content in files.items():
            assert f"{path} ({len(content.encode())} bytes): " in text
    for path, lines in composed.hidden.items():
        assert set(lines) <= set(files[path].split("\n"))


def test_what_the_named_file_uses_comes_before_what_it_does_not() -> None:
    files = {
        "app.py": "from tools import sharpen\nsharpen(1)\n",
        "aaa.py": "def other():\n    pass\n",
        "tools.py": "def sharpen(x):\n    return polish(x)\n",
        "zzz.py": "def polish(x):\n    return x\n",
    }
    order = code_map(files, mentions(["It fails in app.py"], files)).order
    assert order == ("app.py", "tools.py", "zzz.py", "aaa.py")


@pytest.mark.parametrize(
    ("path", "source", "names"),
    [
        ("a.py", "class A:\n    def b(self): ...\n", ["A", "b"]),
        ("a.js", "function a() {}\nclass B { c() {} }\n", ["B", "a", "c"]),
        ("a.ts", "interface A {}\ntype B = A\nenum C { D }\n", ["A", "B", "C"]),
        ("a.tsx", "function A() { return <b/> }\n", ["A"]),
        ("a.go", "package a\ntype A struct{}\nfunc (a A) B() {}\nfunc C() {}\n", ["A", "B", "C"]),
        ("A.java", "class A { void b() {} }\n", ["A", "b"]),
        ("a.rs", "struct A;\nimpl A { fn b() {} }\ntrait C {}\n", ["A", "C", "b"]),
        ("a.md", "# A\n", []),
    ],
)
def test_definitions_are_found_in_each_language(path: str, source: str, names: list[str]) -> None:
    found = code_map({path: source}, mentions([], [path])).definitions[path]
    assert sorted(each.name for each in found) == names
    assert (language_of(path) is None) == (not names)


def test_a_path_is_meant_by_its_end_or_from_a_traceback() -> None:
    said = mentions(
        ['File "/srv/app/src/shop/cart.py", line 12, in f', "see .\\lib\\b.js(7)"],
        ["src/shop/cart.py", "lib/b.js", "c.py"],
    )
    assert set(said.paths) == {"src/shop/cart.py", "lib/b.js"}
    assert said.lines == {"src/shop/cart.py": {12}, "lib/b.js": {7}}
