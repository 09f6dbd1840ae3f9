"""OpenAI's shape: what is refused and as what, which values ask for nothing, what a model may be."""

from typing import Any
from uuid import uuid4

import pytest

from orchestrator.api.openai_bodies import ChatCompletionRequest, CompletionRequest, read_body, task_of
from orchestrator.api.openai_errors import ModelNotFound, is_front, refused
from orchestrator.api.openai_models import chosen, listed
from schemas.errors import (
    ERRORS,
    BudgetExhausted,
    InvalidRequest,
    NoProvider,
    OrchestratorError,
    StoreUnavailable,
    Unauthenticated,
)
from schemas.providers import Provider, Vendor, Wire

BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "x"}]}


def provider(name: str, model: str) -> tuple[Provider, bool, int]:
    made = Provider(
        id=uuid4(),
        name=name,
        vendor=Vendor.OPENAI,
        wire=Wire.OPENAI_CHAT,
        base_url="http://x",
        model=model,
        credential="none",
    )
    return made, False, 0


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_has_openais_shape(error: type[OrchestratorError]) -> None:
    told = refused(error()).body["error"]
    assert told.keys() == {"message", "type", "param", "code"}
    assert told["message"]


@pytest.mark.parametrize(
    ("error", "status", "kind", "again"),
    [
        (BudgetExhausted(), 402, "insufficient_quota", False),
        (InvalidRequest(), 400, "invalid_request_error", False),
        (Unauthenticated(), 401, "invalid_request_error", False),
        (NoProvider(), 503, "server_error", False),
        (StoreUnavailable(retry_after=2), 503, "server_error", True),
    ],
)
def test_an_error_has_the_status_that_openais_clients_know(
    error: OrchestratorError, status: int, kind: str, again: bool
) -> None:
    refusal = refused(error)
    assert (refusal.status, refusal.body["error"]["type"], refusal.again) == (status, kind, again)
    assert refusal.response().headers["x-should-retry"] == str(again).lower()


@pytest.mark.parametrize(
    "neutral",
    [{"n": 1}, {"top_p": 1.0}, {"tools": []}, {"stop": None}, {"logprobs": False}, {"store": True}],
)
def test_what_asks_for_nothing_is_taken(neutral: dict[str, Any]) -> None:
    assert read_body(BODY | neutral, ChatCompletionRequest).model == "m"


def test_a_response_format_is_the_schema_that_the_answer_is_held_to() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    named = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}
    for given, wanted in (
        (named, schema),
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "text"}, None),
    ):
        task = task_of(read_body(BODY | {"response_format": given}, ChatCompletionRequest), {})
        assert task.context.answer_schema == wanted


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"type": "json_schema"}, "response_format"),
        ({"type": "grammar"}, "response_format.type"),
        (
            {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "array"}}},
            "response_format.json_schema.schema",
        ),
        (
            {
                "type": "json_schema",
                "json_schema": {"name": "x", "schema": {"type": "object", "required": 1}},
            },
            "response_format.json_schema.schema",
        ),
    ],
)
def test_a_response_format_that_can_not_be_is_refused_by_its_field(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        task_of(read_body(BODY | {"response_format": given}, ChatCompletionRequest), {})
    assert raised.value.errors[0].field == field


@pytest.mark.parametrize(
    "wanted",
    [{"n": 2}, {"top_p": 0.1}, {"tools": [{"type": "function"}]}, {"stop": ["x"]}, {"seed": 1}],
)
def test_what_would_change_the_answer_is_refused_by_name(wanted: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as raised:
        read_body(BODY | wanted, ChatCompletionRequest)
    assert raised.value.errors[0].field in wanted


def test_a_message_of_the_sdks_own_answer_may_be_sent_back() -> None:
    said: dict[str, Any] = {
        "role": "assistant",
        "content": "y",
        "refusal": None,
        "tool_calls": None,
        "annotations": [],
    }
    asked = read_body(BODY | {"messages": [*BODY["messages"], said]}, ChatCompletionRequest)
    assert [message["role"] for message in asked.said["messages"]] == ["user", "assistant"]


def test_the_newer_limit_goes_before_the_older() -> None:
    asked = read_body(BODY | {"max_tokens": 5, "max_completion_tokens": 7}, ChatCompletionRequest)
    assert task_of(asked, {}).preferences.max_tokens == 7


def test_an_empty_message_is_named_without_our_own_names() -> None:
    asked = read_body(BODY | {"messages": [{"role": "user", "content": ""}]}, ChatCompletionRequest)
    with pytest.raises(InvalidRequest) as raised:
        task_of(asked, {})
    assert raised.value.errors[0].field == "messages.0.content"


def test_several_prompts_are_several_requests() -> None:
    with pytest.raises(InvalidRequest):
        read_body({"model": "m", "prompt": ["x", "y"]}, CompletionRequest)


def test_a_model_is_a_providers_name_or_a_model_or_any() -> None:
    known = [provider("mine", "gpt-x"), provider("other", "gpt-x"), provider("third", "gpt-y")]
    assert chosen("mine", known) == {"providers": ["mine"]}
    assert chosen("gpt-x", known) == {"providers": ["mine", "other"], "model": "gpt-x"}
    assert chosen("auto", [*known, provider("github", "auto")]) == {}
    assert list(listed(known)) == ["auto", "gpt-x", "mine", "other", "gpt-y", "third"]
    with pytest.raises(ModelNotFound, match="there are auto, gpt-x"):
        chosen("gpt-z", known)


def test_the_front_is_known_by_its_addresses() -> None:
    assert is_front("/openai/v1/models")
    assert is_front("/api/v1/chat/completions")
    assert not is_front("/api/v1/tasks")
