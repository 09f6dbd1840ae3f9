"""What a task takes of a model's context, whole and at the least, and the room a prompt has."""

from typing import Any

import pytest

from orchestrator.catalogue import sizes, tokens
from orchestrator.catalogue.models import describe, prompt_room, repair_room
from schemas.providers import Vendor
from schemas.tasks import TASK_REQUEST


def measured(kind: str, **context: Any) -> tuple[int, int]:
    request = TASK_REQUEST.validate_python({"kind": kind, "context": context})
    return sizes.of(request, request.model_dump_json())


def test_files_can_be_cut_and_a_conversation_can_not() -> None:
    whole, least = measured("fix_bug", description="d", files=[{"path": "a.py", "content": "x" * 600_000}])
    assert whole >= 250_000
    assert least < 10_000
    whole, least = measured("chat", prompt="x" * 60_000)
    assert whole == least


def test_a_small_task_is_at_least_itself() -> None:
    whole, least = measured("fix_bug", description="d", files=[{"path": "a.py", "content": "x"}])
    assert least == whole


def test_a_prompt_leaves_room_for_the_answer_and_its_repetition() -> None:
    known = describe(Vendor.OPENAI, "gpt-4o")
    room = prompt_room(Vendor.OPENAI, "gpt-4o", 1_000, 1.0)
    assert known.context is not None
    assert room == (known.context - 2_000) * 3


def test_a_model_of_unknown_size_bounds_no_prompt() -> None:
    assert prompt_room(Vendor.CUSTOM, "nobody-knows", None, 1.0) is None


def test_a_limit_of_input_holds_where_it_is_the_smaller() -> None:
    known = describe(Vendor.OPENAI, "gpt-5")
    room = prompt_room(Vendor.OPENAI, "gpt-5", 100, 1.0)
    assert room is not None
    assert room <= (known.max_input or 0) * 3


@pytest.mark.parametrize(("factor", "kept"), [(0.1, 0.6), (1.0, 1.0), (9.0, 1.3), (float("nan"), 1.3)])
def test_a_measured_factor_stays_within_what_can_be_true(factor: float, kept: float) -> None:
    assert tokens.bounded(factor) == kept


def test_a_repair_has_room_for_one_answer_that_its_first_prompt_left() -> None:
    known = describe(Vendor.OPENAI, "gpt-4o")
    assert known.context is not None
    assert repair_room(Vendor.OPENAI, "gpt-4o", 1_000, 1.0) == (known.context - 1_000) * 3
    assert repair_room(Vendor.CUSTOM, "nobody-knows", None, 1.0) is None


def test_where_input_is_limited_a_first_prompt_leaves_room_to_be_asked_again() -> None:
    first = prompt_room(Vendor.OPENAI, "gpt-5", 1_000, 1.0)
    later = repair_room(Vendor.OPENAI, "gpt-5", 1_000, 1.0)
    assert first is not None
    assert later is not None
    assert later - first == 3_000
