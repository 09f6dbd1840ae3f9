"""A chat's answer: any text, or JSON that fits what was asked for."""

from time import thread_time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.results import ChatResult
from schemas.tasks import TASK_REQUEST, TaskRequest
from workers.verify import Accepted, Rejected, may_be_mended, verify

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def chat(schema: Any = None, *, stream: bool = False) -> TaskRequest:
    context = {"prompt": "p", "stream": stream, "answer_schema": schema}
    return TASK_REQUEST.validate_python({"kind": "chat", "context": context})


def text(request: TaskRequest, answer: str) -> str | None:
    verdict = verify(request, answer)
    if isinstance(verdict, Rejected):
        return None
    assert isinstance(verdict.result, ChatResult)
    return verdict.result.text


def test_a_text_is_an_answer_where_nothing_else_was_asked_for() -> None:
    assert text(chat(), "{") == "{"
    assert not may_be_mended(chat())


def test_json_that_fits_is_an_answer_and_loses_its_fence() -> None:
    assert text(chat(SCHEMA), '{"a": 1}') == '{"a": 1}'
    assert text(chat(SCHEMA), '```json\n{"a": 1}\n```\n') == '{"a": 1}'
    assert may_be_mended(chat(SCHEMA))


def test_what_its_client_has_seen_is_neither_changed_nor_asked_for_again() -> None:
    assert text(chat(SCHEMA, stream=True), '```json\n{"a": 1}\n```') is None
    assert not may_be_mended(chat(SCHEMA, stream=True))


def test_what_does_not_fit_is_told() -> None:
    for answer, said in (("Sure!", "no JSON"), ('{"a": "x"}', "At a: "), ("NaN", "no JSON")):
        verdict = verify(chat(SCHEMA), answer)
        assert isinstance(verdict, Rejected)
        assert said in verdict.problems[0]


@given(st.text() | st.integers(1, 3000).map(lambda depth: "[" * depth + "]" * depth))
@settings(max_examples=40)
def test_no_answer_raises(answer: str) -> None:
    assert isinstance(verify(chat(SCHEMA), answer), Accepted | Rejected)


def test_a_fence_that_nothing_closes_takes_no_time() -> None:
    started = thread_time()
    rejected = verify(chat({"type": "object"}), "```json" + "\n" * 50_000 + "x")
    assert isinstance(rejected, Rejected)
    assert thread_time() - started < 2
