"""A diff as edit blocks: they do what the diff does, or there are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.verify.apply import apply
from workers.verify.blocks import parse_blocks
from workers.verify.diff import tree_diff
from workers.verify.patch import NotSayable, blocks_of

LINES = st.lists(
    st.sampled_from(["alpha", "beta", "  gamma", "=======", "<<<<<<< SEARCH", ">>>>>>> REPLACE", "delta"]),
    min_size=1,
    max_size=12,
    unique=True,
)


def changed(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    parsed = parse_blocks(blocks_of(tree_diff(before, after)), before.keys())
    assert not parsed.problems
    applied = apply(before, parsed.edits)
    assert not applied.problems
    return dict(applied.files)


@given(old=LINES, new=LINES)
def test_the_blocks_of_a_diff_make_what_the_diff_was_made_of(old: list[str], new: list[str]) -> None:
    before, after = ({"src/a.py": "\n".join(lines) + "\n"} for lines in (old, new))
    if before != after:
        assert changed(before, after) == after


def test_files_come_and_go() -> None:
    before = {"old.py": "a = 1\n", "kept.py": "b = 2\n"}
    after = {"kept.py": "b = 3\n", "new dir/new.py": "c = 4\n"}
    assert changed(before, after) == after


@pytest.mark.parametrize(
    ("diff", "why"),
    [
        ("just words", "no git diff"),
        ("diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n", "rename from"),
        ("diff --git a/x b/x\nBinary files a/x and b/x differ\n", "Binary"),
        ("diff --git a/x b/x\nold mode 100644\nnew mode 100755\n", "old mode"),
        ("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n-b\n", "cut off|is none"),
    ],
)
def test_what_blocks_can_not_say_is_refused(diff: str, why: str) -> None:
    with pytest.raises(NotSayable, match=why):
        blocks_of(diff)
