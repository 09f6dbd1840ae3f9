"""The declared wire: what a template becomes, what paths find, and what can't be declared at all."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from orchestrator.catalogue.templates import usual_wire
from schemas.calls import Usage
from schemas.custom import CustomFormat
from schemas.errors import Category
from schemas.providers import Provider, ProviderOptions, Vendor, Wire
from tests.conformance.declared import ANTHROPIC, OLLAMA, OPENAI_CHAT
from tests.unit.workers import wires
from workers.providers import wire_for
from workers.providers.base import Ask, Reply
from workers.providers.custom import Custom, found_in

SMALL: dict[str, Any] = {
    "body": {"ask": "{{prompt}}", "most": "{{max_tokens}}"},
    "answer": {"text": "output", "input_tokens": ["in"], "output_tokens": ["out"]},
}


def ask(declared: CustomFormat, **given: Any) -> Ask:
    made = wires.ask(Wire.OPENAI_CHAT, Vendor.CUSTOM, "the/model", **given)
    changed: Provider = made.provider.model_copy(
        update={"wire": Wire.CUSTOM, "options": ProviderOptions(custom=declared)}
    )
    return Ask(changed, made.model, made.messages, 500, made.temperature, made.schema)


def without(place: str, value: Any = None) -> dict[str, Any]:
    """The small declaration with something else at a place."""
    changed = {name: dict(each) if isinstance(each, dict) else each for name, each in SMALL.items()}
    *outer, last = place.split(".")
    inner = changed
    for name in outer:
        inner = inner.setdefault(name, {})
    inner[last] = value
    return changed


def test_a_body_is_the_template_filled_in() -> None:
    given = ask(OLLAMA, schema=wires.SCHEMA)
    assert wires.sent(wire_for(given), given) == {
        "model": "the/model",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "ü"}],
        "stream": True,
        "format": wires.SCHEMA,
        "options": {"num_predict": 500, "temperature": 0.1},
    }


def test_what_a_call_does_not_have_is_left_out_with_its_key() -> None:
    given = ask(OLLAMA, temperature=None)
    body = wires.sent(wire_for(given), given)
    assert "format" not in body
    assert body["options"] == {"num_predict": 500}


def test_a_schema_without_a_place_of_its_own_is_put_in_words() -> None:
    given = ask(ANTHROPIC, schema=wires.SCHEMA)
    body = wires.sent(wire_for(given), given)
    assert "JSON Schema" in body["system"]
    assert body["messages"] == [{"role": "user", "content": "ü"}]


def test_messages_and_roles_have_the_form_that_was_declared() -> None:
    gemini = CustomFormat.model_validate(
        {
            "paths": {"completion": "/models/{{model}}:generate"},
            "body": {
                "contents": "{{turns}}",
                "systemInstruction": {"parts": [{"text": "{{system}}"}]},
                "limit": "{{max_tokens}}",
                "note": "for {{model}}",
            },
            "message": {"role": "{{role}}", "parts": [{"text": "{{content}}"}]},
            "roles": {"assistant": "model"},
            "answer": {"text": "t"},
        }
    )
    given = ask(gemini, messages=wires.TALK)
    request = wire_for(given).request(given, "key", "call-1")
    assert request.path == "/models/the%2Fmodel:generate"
    body = wires.sent(wire_for(given), given)
    assert body["contents"][1] == {"role": "model", "parts": [{"text": "x"}]}
    assert body["systemInstruction"] == {"parts": [{"text": "s"}]}
    assert body["note"] == "for the/model"


def test_the_key_travels_as_declared() -> None:
    given = ask(ANTHROPIC)
    headers = wire_for(given).request(given, "key", "call-1").headers
    assert headers["x-api-key"] == "key"
    assert "Authorization" not in headers
    assert (
        wire_for(ask(OLLAMA)).request(ask(OLLAMA), "key", "call-1").headers["Authorization"] == "Bearer key"
    )


def test_a_whole_answer_is_read_by_its_paths() -> None:
    wire = Custom(ANTHROPIC)
    reply = wires.fed(
        wire,
        {
            "id": "msg-1",
            "model": "m-1",
            "content": [{"text": "a"}, {"type": "thinking"}, {"text": "ü"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 5},
        },
    )
    assert (reply.text, reply.model, reply.request_id, wire.closed(reply)) == ("aü", "m-1", "msg-1", None)
    assert reply.usage == Usage(input_tokens=7, cached_tokens=4, output_tokens=5)


def test_an_answer_without_a_reason_to_finish_is_complete_where_none_was_declared() -> None:
    wire = Custom(CustomFormat.model_validate(SMALL))
    reply = wires.fed(wire, {"output": "a", "in": 1, "out": 2})
    assert (wire.closed(reply), reply.usage) == (None, Usage(input_tokens=1, output_tokens=2))


@pytest.mark.parametrize(
    ("reason", "category"),
    [
        ("max_tokens", Category.OUTPUT_LIMIT),
        ("refusal", Category.CONTENT_FILTERED),
        ("odd", Category.MALFORMED),
    ],
)
def test_a_reason_to_finish_means_what_was_declared_and_nothing_else(reason: str, category: Category) -> None:
    reply = wires.fed(Custom(ANTHROPIC), {"content": [{"text": "a"}], "stop_reason": reason})
    failure = Custom(ANTHROPIC).closed(reply)
    assert failure is not None
    assert failure.category is category


def test_what_was_counted_before_the_end_is_not_final() -> None:
    wire = Custom(OLLAMA)
    reply = wires.fed(wire, {"message": {"content": "a"}, "prompt_eval_count": 1, "eval_count": 1})
    assert reply.usage is None
    wires.fed(wire)
    wire.feed(reply, b'{"done_reason": "stop", "prompt_eval_count": 3, "eval_count": 9}')
    assert reply.usage == Usage(input_tokens=3, output_tokens=9)


@pytest.mark.parametrize(
    ("status", "body", "category"),
    [
        (400, {"error": {"type": "x", "message": "prompt is too long: 9"}}, Category.CONTEXT_TOO_LONG),
        (529, {"error": {"type": "overloaded_error", "message": "m"}}, Category.OVERLOADED),
        (401, {"error": {"type": "x", "message": "m"}}, Category.UNAUTHORIZED),
        (500, "<html>", Category.SERVER_ERROR),
        (404, {"detail": "none"}, Category.MODEL_NOT_FOUND),
    ],
)
def test_an_error_is_taken_for_what_was_declared_or_for_its_status(
    status: int, body: Any, category: Category
) -> None:
    assert wires.failed(Custom(ANTHROPIC), status, body) is category


def test_a_rate_limit_needs_its_hint() -> None:
    wire = Custom(OPENAI_CHAT)
    assert wires.failed(wire, 429, {}, {"retry-after": "3"}) is Category.RATE_LIMITED
    assert wires.failed(wire, 429, {"error": {"code": "insufficient_quota"}}) is Category.QUOTA_EXHAUSTED


@pytest.mark.parametrize(
    ("given", "where", "words"),
    [
        (without("body", {"ask": "x", "most": "{{max_tokens}}"}), "body", "what is asked"),
        (without("body", {"ask": "{{prompt}}"}), "body", "{{max_tokens}}"),
        (without("body.more", ["{{shell}}"]), "body", "'shell' at more.0"),
        (without("body.ask", "now: {{messages}}"), "body", "'messages' at ask alone"),
        (without("body", {"ask": "{{turns}}", "most": "{{max_tokens}}"}), "body", "{{system}}"),
        (without("body.ask", "{{prompt}}" + "x" * 20_000), "body", "larger than"),
        (without("message", {"role": "{{role}}"}), "message", "{{content}}"),
        (without("answer.text", "choices[0].delta | env"), "answer.text", "pattern"),
        (without("answer.output_tokens", []), "answer", "input_tokens and output_tokens"),
        (without("stream", "sse"), "", "finish_reason is required"),
        (without("answer.finish_reason", "end"), "", "'complete'"),
        (without("paths.completion", "//elsewhere.example/x"), "paths.completion", "below base_url"),
        (without("paths.completion", "/{{prompt}}"), "paths.completion", "only placeholder"),
        (without("auth.header", "Host"), "auth.header", "must not be Host"),
        (without("auth.prefix", "a\r\nb"), "auth.prefix", "pattern"),
        (without("errors.codes", {"x": "canceled"}), "errors.codes.x", "bad_request"),
        (without("roles", {"tool": "x"}), "roles.tool.[key]", "pattern"),
        (without("run", "rm -rf /"), "run", "Extra inputs"),
    ],
)
def test_what_can_not_be_declared_is_refused_by_its_field(given: Any, where: str, words: str) -> None:
    with pytest.raises(ValidationError) as raised:
        CustomFormat.model_validate(given)
    (error,) = raised.value.errors(include_url=False)
    assert ".".join(map(str, error["loc"])) == where
    assert words in error["msg"]


def test_models_are_found_by_their_path() -> None:
    assert found_in(b'{"models": [{"name": "a"}, {"name": "b"}, 3]}', "models[*].name") == ["a", "b"]
    assert found_in(b"nothing", "data[*].id") == []


def test_what_is_declared_is_spoken() -> None:
    options = ProviderOptions(custom=OPENAI_CHAT)
    assert usual_wire(Vendor.OPENAI, "https://api.openai.com/v1", options) is Wire.CUSTOM
    bare = Provider(
        id=UUID(int=1), name="p", vendor=Vendor.CUSTOM, wire=Wire.CUSTOM, base_url="http://x", model="m",
        credential="none",
    )  # fmt: skip
    with pytest.raises(ValueError, match="declare what is spoken"):
        wire_for(Ask(bare, "m", wires.TALK, 1, None))


@given(
    st.sampled_from([OPENAI_CHAT, OLLAMA, ANTHROPIC]),
    st.lists(wires.json_of("choices", "delta", "content", "message", "usage", "error", "text"), max_size=4),
)
@settings(max_examples=50)
def test_no_piece_does_more_than_be_malformed(declared: CustomFormat, pieces: list[Any]) -> None:
    wire, reply = Custom(declared), Reply()
    for piece in pieces:
        try:
            wires.fed(wire, piece)
        except wires.MALFORMED:
            return
    assert wire.closed(reply) is not None


@pytest.mark.parametrize("model", [".", "..", "a/../b"])
def test_a_model_that_would_lead_elsewhere_is_refused_before_anything_is_sent(model: str) -> None:
    declared = CustomFormat.model_validate({**SMALL, "paths": {"completion": "/models/{{model}}/gen"}})
    given = replace(ask(declared), model=model)
    with pytest.raises(ValueError, match="as a whole part"):
        wire_for(given).request(given, "key", "call-1")


@pytest.mark.parametrize("path", ["/a/../b", "/./b", "/..", "/%2e%2E/b", "/a%2f..%2fb"])
@pytest.mark.parametrize("place", ["completion", "models", "health"])
def test_no_declared_path_leads_up(place: str, path: str) -> None:
    with pytest.raises(ValidationError, match="as a whole part"):
        CustomFormat.model_validate({**SMALL, "paths": {place: path}})
    CustomFormat.model_validate({**SMALL, "paths": {place: "/a..b/.c/v1."}})
