"""Whatever a model writes, `verify` answers; what it accepts, git applies to the same tree."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.results import CodeResult, ReviewResult
from tests.unit.verify.answers import block, code_request, deletion, git_applies, review_request, tree_after
from tests.unit.verify.test_review import DIFF, finding
from workers.diffs.git_paths import quoted, unquoted
from workers.diffs.hunks import read_diff
from workers.verify import Accepted, Rejected, verify
from workers.verify.apply import apply
from workers.verify.diff import tree_diff
from workers.verify.parse import parse_edits
from workers.verify.verdict import PROBLEM_LENGTH, PROBLEMS

FILES = {
    "src/app.py": (
        "import os\n\n\ndef total(items):\n    result = 0\n    for item in items:\n"
        "        result += item\n    return result\n"
    ),
    "src/data.csv": "a;b\r\n1;2\r\n3;4",
    "notes/ä b.txt": "\ufeffone\n=======\ntwo\n\x0cthree\n",
    "empty.txt": "",
}  # fmt: skip
GOOD = (
    "I change a few things.\n\n"
    + block("src/app.py", "    result = 0\n", "    result = 1\n")
    + "\n```python\n" + block("src/new/mod.py", "", "VALUE = 1\n") + "```\n"
    + block("src/data.csv", "3;4\n", "3;5\n5;6\n")
    + block("notes/ä b.txt", "one\n=======\n", "one\n=======\n2\n", width=9)
    + deletion("empty.txt")
    + '<criterion number="1" verdict="met" evidence="src/app.py:5">It does.</criterion>\n'
)  # fmt: skip
GOOD_REVIEW = (
    "<summary>Good.</summary>\n" + finding("def clear(self):", line=13) + finding("return None", line=10)
)
CODE = code_request(FILES, acceptance_criteria=["works", "is fast"])
REVIEW = review_request(DIFF)
PIECES = [
    *GOOD.split("\n"),
    *GOOD_REVIEW.split("\n"),
    *FILES["src/app.py"].split("\n"),
    "```",
    "\0",
    "\ud800",
    "\r",
    " ",
    "../x",
]


@st.composite
def mutated(draw: st.DrawFn, good: str) -> str:
    """A good answer with lines lost, doubled, swapped, re-indented, replaced or cut."""
    lines = good.split("\n")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        change = draw(st.sampled_from(sorted(CHANGES)))
        lines = CHANGES[change](lines, at, draw(st.sampled_from(PIECES))) or [""]
    return "\n".join(lines)


CHANGES: dict[str, Callable[[list[str], int, str], list[str]]] = {
    "lose": lambda lines, at, _: lines[:at] + lines[at + 1 :],
    "double": lambda lines, at, _: lines[:at] + lines[at : at + 1] + lines[at:],
    "insert": lambda lines, at, piece: [*lines[:at], piece, *lines[at:]],
    "replace": lambda lines, at, piece: [*lines[:at], piece, *lines[at + 1 :]],
    "glue": lambda lines, at, piece: [*lines[:at], lines[at] + piece, *lines[at + 1 :]],
    "indent": lambda lines, at, _: (
        lines[:at] + ["  " + line for line in lines[at : at + 3]] + lines[at + 3 :]
    ),
    "cut": lambda lines, at, _: [*lines[:at], lines[at][: len(lines[at]) // 2]],
    "twice": lambda lines, at, _: lines + lines,
    "reverse": lambda lines, at, _: lines[:at] + lines[at : at + 6][::-1] + lines[at + 6 :],
    "crlf": lambda lines, at, _: [line + "\r" for line in lines],
}


def held_to(verdict: Accepted | Rejected) -> None:
    """What is true of every verdict."""
    match verdict:
        case Rejected(problems=problems):
            assert problems
            assert len(problems) <= PROBLEMS + 1
            assert all(problem and len(problem) <= PROBLEM_LENGTH for problem in problems)
        case Accepted(result=CodeResult() as result):
            before = {change.path: FILES[change.path] for change in result.files if change.path in FILES}
            after = {change.path: change.content for change in result.files if change.content is not None}
            assert result.diff == tree_diff(before, after) != ""
            assert [one.number for one in result.criteria] == [1, 2]
            assert not any(".." in change.path.split("/") for change in result.files)
        case Accepted(result=ReviewResult() as review):
            shown = {text for file in read_diff(DIFF) for text in (*file.old.texts, *file.new.texts)}
            for found in review.findings:
                assert set(found.quote.split("\n")) <= shown
                assert found.start_line is not None
            assert len(review.findings) <= 10
        case _:
            raise AssertionError(verdict)


@settings(max_examples=300)
@given(st.text(alphabet=st.characters() | st.sampled_from("<>=`\n \"'/"), max_size=400))
def test_any_text_gets_a_verdict(answer: str) -> None:
    held_to(verify(CODE, answer))
    held_to(verify(REVIEW, answer))


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("\n".join))
def test_any_heap_of_pieces_gets_a_verdict(answer: str) -> None:
    held_to(verify(CODE, answer))
    held_to(verify(REVIEW, answer))


@settings(max_examples=500)
@given(mutated(GOOD))
def test_a_damaged_code_answer_applies_whole_or_not_at_all(answer: str) -> None:
    verdict = verify(CODE, answer)
    held_to(verdict)
    if isinstance(verdict, Accepted):
        parsed = parse_edits(answer, FILES.keys())
        assert parsed.problems == ()
        assert apply(FILES, parsed.edits).problems == ()


@settings(max_examples=300)
@given(mutated(GOOD_REVIEW))
def test_a_damaged_review_points_at_real_lines(answer: str) -> None:
    held_to(verify(REVIEW, answer))


@settings(max_examples=40)
@given(mutated(GOOD))
def test_git_makes_of_an_accepted_answer_what_the_result_says(answer: str) -> None:
    verdict = verify(CODE, answer)
    if isinstance(verdict, Accepted) and isinstance(verdict.result, CodeResult):
        with tempfile.TemporaryDirectory() as folder:
            assert git_applies(Path(folder) / "tree", FILES, verdict.result.diff) == tree_after(
                FILES, verdict.result
            )


LINES = st.lists(
    st.sampled_from(["a\n", "b\n", "c\r\n", "\n", "@@ -1 +1 @@\n", "--- a\n", "\x0c\u2028x\n"]), max_size=30
)
TEXTS = st.tuples(LINES, st.sampled_from(["", "end", "a"])).map(lambda parts: "".join(parts[0]) + parts[1])
TREES = st.dictionaries(st.sampled_from(["a", "b c", "d/ä", "d/e.py"]), TEXTS, max_size=4)


@settings(max_examples=60)
@given(TREES, TREES)
def test_git_makes_any_tree_of_our_diff_to_it(before: dict[str, str], after: dict[str, str]) -> None:
    diff = tree_diff(before, after)
    if diff:
        with tempfile.TemporaryDirectory() as folder:
            assert git_applies(Path(folder) / "tree", before, diff) == after


@given(TEXTS, TEXTS)
def test_our_own_reader_understands_our_diffs(before: str, after: str) -> None:
    for file in read_diff(tree_diff({"x": before}, {"x": after})):
        old = [line.removesuffix("\r") for line in before.split("\n")]
        assert all(
            old[number - 1] == text for number, text in zip(file.old.numbers, file.old.texts, strict=True)
        )


@given(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_path_is_read_back_as_it_was_written(path: str) -> None:
    written = quoted(path)
    assert (unquoted(written) == (path, "")) if written.startswith('"') else written == path


def test_the_undamaged_answers_are_accepted() -> None:
    assert isinstance(verify(CODE, GOOD), Accepted)
    assert isinstance(verify(REVIEW, GOOD_REVIEW), Accepted)
