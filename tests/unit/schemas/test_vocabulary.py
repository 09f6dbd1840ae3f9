"""Errors, events, kinds, money: the closed lists are complete and say what they mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.calls import NANOS_PER_DOLLAR, Usage, dollars
from schemas.contexts import inner_path
from schemas.errors import ERRORS, FOLLOWS, Category, OrchestratorError
from schemas.events import ENDINGS, MEANINGS, EventName
from schemas.providers import QUEUES, Vendor, queue_of
from schemas.tasks import (
    KIND_SPELLINGS,
    PRIORITY_BONUS_SECONDS,
    SUPPORTED_LEVELS,
    TASK_REQUEST,
    TERMINAL,
    Priority,
    TaskKind,
    TaskStatus,
)

DIFF = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"
CONTEXTS = {
    TaskKind.GENERATE_CODE: {"description": "d"},
    TaskKind.FIX_BUG: {"description": "d", "files": [{"path": "a.py", "content": ""}]},
    TaskKind.IMPLEMENT_FEATURE: {"description": "d"},
    TaskKind.REVIEW_CODE: {"diff": DIFF},
    TaskKind.REFACTOR: {"description": "d", "files": [{"path": "a.py", "content": ""}]},
    TaskKind.WRITE_TESTS: {"files": [{"path": "a.py", "content": ""}]},
    TaskKind.DOCUMENT: {"files": [{"path": "a.py", "content": ""}]},
    TaskKind.CHAT: {"prompt": "d"},
    TaskKind.EMBED: {"inputs": ["d"]},
}


def subclasses(kind: type[OrchestratorError]) -> set[type[OrchestratorError]]:
    found = {kind}
    for each in kind.__subclasses__():
        found |= subclasses(each)
    return found


def test_every_error_is_listed_with_a_code_of_its_own() -> None:
    assert {each for each in subclasses(OrchestratorError) if each.__module__ == "schemas.errors"} == set(
        ERRORS
    )
    codes = [error.code for error in ERRORS]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("error", ERRORS)
def test_an_errors_docstring_is_its_message(error: type[OrchestratorError]) -> None:
    assert error.__doc__
    assert error().detail == error.__doc__.split("\n")[0]
    assert error("another").detail == "another"
    assert not error().title.endswith(".")
    assert 400 <= error.status < 600
    assert error.code == error.code.lower()


def test_every_event_has_a_meaning() -> None:
    assert set(MEANINGS) == set(EventName)
    assert all(meaning == meaning.strip() and meaning for meaning in MEANINGS.values())


def test_every_end_has_its_event() -> None:
    assert set(ENDINGS) == TERMINAL
    assert all(ENDINGS[status] == f"task.{status}" for status in TERMINAL)
    assert {status for status in TaskStatus if status.terminal} == TERMINAL


def test_every_category_says_what_follows() -> None:
    assert set(FOLLOWS) == set(Category)


def test_every_kind_and_priority_is_in_its_tables() -> None:
    assert set(SUPPORTED_LEVELS) == set(TaskKind)
    assert set(PRIORITY_BONUS_SECONDS) == set(Priority)
    bonuses = [PRIORITY_BONUS_SECONDS[each] for each in Priority]
    assert bonuses == sorted(bonuses)


def test_every_vendor_has_one_queue() -> None:
    assert [queue_of(vendor) for vendor in Vendor] == list(QUEUES)
    assert queue_of(Vendor.OPENAI) == "provider.openai"


@pytest.mark.parametrize(("spelling", "kind"), [*KIND_SPELLINGS.items(), *((str(k), k) for k in TaskKind)])
def test_every_spelling_of_a_kind_is_understood(spelling: str, kind: TaskKind) -> None:
    request = TASK_REQUEST.validate_python({"kind": spelling, "context": CONTEXTS[kind]})
    assert request.kind is kind
    assert TASK_REQUEST.validate_json(request.model_dump_json()) == request


@pytest.mark.parametrize("kind", ["Review", "generate code", "", None, 3, ["fix_bug"], {"a": 1}])
def test_any_other_kind_is_refused_by_name(kind: object) -> None:
    with pytest.raises(ValidationError, match="kind"):
        TASK_REQUEST.validate_python({"kind": kind, "context": {}})


@given(st.integers(-(10**24), 10**24))
def test_dollars_lose_nothing(nanos: int) -> None:
    shown = dollars(nanos)
    whole, _, part = shown.removeprefix("-").partition(".")
    assert part
    assert "e" not in shown.lower()
    back = int(whole) * NANOS_PER_DOLLAR + int(part.ljust(9, "0"))
    assert (-back if shown.startswith("-") else back) == nanos


@pytest.mark.parametrize(
    ("nanos", "shown"),
    [(0, "0.00"), (1, "0.000000001"), (10**9, "1.00"), (1_500_000_000, "1.50"), (-1, "-0.000000001")],
)
def test_dollars_read_well(nanos: int, shown: str) -> None:
    assert dollars(nanos) == shown


@pytest.mark.parametrize("field", ["input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens"])
@pytest.mark.parametrize("count", [-1, 2**26 + 1])
def test_usage_takes_only_counts_that_can_be_true(field: str, count: int) -> None:
    with pytest.raises(ValidationError):
        Usage.model_validate({field: count})


@pytest.mark.parametrize(
    "path", ["a.py", "src/a b.py", "ü/ß.py", "a/.github/x", "gitignore", ".gitignore", "a..b"]
)
def test_a_path_inside_the_tree_is_taken_as_it_is(path: str) -> None:
    assert inner_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/", "a/.", "C:/x", "c:x", "a\\b", ".git/config",
        "x/.GIT/hooks/pre-commit", "a\nb", "a\x00b", "a\x7f", "",
    ],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"must not|must be"):
        inner_path(path)


@given(st.text(max_size=30))
def test_whatever_is_taken_as_a_path_stays_inside(path: str) -> None:
    try:
        taken = inner_path(path)
    except ValueError:
        return
    parts = taken.split("/")
    assert ".." not in parts
    assert all(parts)
    assert not taken.startswith("/")
    assert "\\" not in taken
    assert ".git" not in [part.lower() for part in parts]


@pytest.mark.parametrize("diff", ["", "   \n", "hello", "--- a/x\n+++ b/x\n", "@@ nonsense @@"])
def test_a_review_needs_a_diff_that_changes_something(diff: str) -> None:
    with pytest.raises(ValidationError, match="diff"):
        TASK_REQUEST.validate_python({"kind": "review_code", "context": {"diff": diff}})


def test_a_path_given_twice_is_refused() -> None:
    twice = [{"path": "a.py", "content": ""}] * 2
    with pytest.raises(ValidationError, match="given twice"):
        TASK_REQUEST.validate_python({"kind": "fix_bug", "context": {"description": "d", "files": twice}})


@pytest.mark.parametrize("where", ["top", "context", "preferences"])
def test_an_unknown_field_is_refused_wherever_it_stands(where: str) -> None:
    body: dict[str, object] = {"kind": "generate_code", "context": {"description": "d"}, "preferences": {}}
    target = body if where == "top" else body[where]
    assert isinstance(target, dict)
    target["surprise"] = 1
    with pytest.raises(ValidationError, match="surprise"):
        TASK_REQUEST.validate_python(body)
