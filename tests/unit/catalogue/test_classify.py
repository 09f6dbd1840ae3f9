"""What a request is taken for where it does not say."""

from typing import Any

import pytest

from orchestrator.catalogue.classify import ASKED, classify, kind_of
from orchestrator.catalogue.models import Capability
from schemas.tasks import TASK_REQUEST, TaskKind

DIFF = "--- a/x.go\n+++ b/x.go\n@@ -1 +1 @@\n-a\n+b\n"
FILES = [{"path": "a.py", "content": "x = 1\n"}]


@pytest.mark.parametrize(
    ("context", "kind"),
    [
        ({"prompt": "Hello"}, "chat"),
        ({"messages": [{"role": "user", "content": "Hello"}]}, "chat"),
        ({"diff": DIFF}, "review_code"),
        ({"bundle": {"data": "x", "base": "main"}}, "review_code"),
        ({"description": "Totals", "files": FILES, "error_report": "KeyError"}, "fix_bug"),
        ({"description": "The total is wrong on an empty cart.", "files": FILES}, "fix_bug"),
        ({"description": "Add unit tests for the cart, also for its errors", "files": FILES}, "write_tests"),
        ({"description": "Write docstrings for the cart", "files": FILES}, "document"),
        ({"description": "Refactor the cart; mind the error paths", "files": FILES}, "refactor"),
        ({"description": "Add support for coupons", "files": FILES}, "implement_feature"),
        ({"description": "Review the code", "diff": DIFF}, "review_code"),
        ({"description": "Fix the bug"}, "generate_code"),
        ({"description": "Review everything"}, "generate_code"),
        ({"description": "slugify(title)"}, "generate_code"),
        ({"framework": "pytest", "files": FILES}, "write_tests"),
        ({}, "generate_code"),
        ({"description": 3}, "generate_code"),
    ],
)
def test_the_kind_is_found_by_fields_first_then_by_words(context: dict[str, Any], kind: str) -> None:
    assert kind_of(context) == kind
    assert kind_of(dict(reversed(context.items()))) == kind


def classified(kind: str, **context: Any) -> tuple[str | None, int, tuple[Capability, ...]]:
    return tuple(classify(TASK_REQUEST.validate_python({"kind": kind, "context": context})))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("context", "language"),
    [
        ({"constraints": {"language": "Python"}}, "python"),
        (
            {"files": [*FILES, {"path": "b.ts", "content": ""}, {"path": "c.tsx", "content": ""}]},
            "typescript",
        ),
        ({"diff": DIFF}, "go"),
        ({"description": "A parser in Golang"}, "go"),
        ({"description": "A parser in C++, quick"}, "c++"),
        ({"description": "A parser"}, None),
    ],
)
def test_the_language_is_the_named_one_or_that_of_most_files(
    context: dict[str, Any], language: str | None
) -> None:
    assert classified("generate_code", **{"description": "d", **context})[0] == language


def test_complexity_grows_with_what_is_asked_and_keeps_what_is_given() -> None:
    few = classified("generate_code", description="d")[1]
    some = classified("generate_code", description="d", acceptance_criteria=["a", "b", "c"])[1]
    many = classified(
        "generate_code", description="word " * 400, acceptance_criteria=["x"] * 9, specifications={"ux": "u"}
    )[1]
    assert (few, many) == (1, 5)
    assert few < some < many
    assert classified("generate_code", description="d", estimated_complexity=4)[1] == 4


def test_criteria_may_ask_for_more_capabilities() -> None:
    found = classified("implement_feature", description="d", acceptance_criteria=["Write tests for it"])[2]
    assert found == (Capability.GENERATION, Capability.TESTING)
    assert set(ASKED) == set(TaskKind)
