"""Anthropic's wire as its own clients use it."""

from datetime import datetime
from typing import Any

import pytest

from tests.integration.simulator.conftest import Client
from tests.integration.simulator.speakers import ANTHROPIC, sse

LONG = "Rules of the house. " * 400


def kinds(events: list[Any]) -> list[str]:
    """The names of the events, repeats left out."""
    names = [event["type"] for event in events]
    return [name for index, name in enumerate(names) if index == 0 or name != names[index - 1]]


async def test_a_message_has_the_vendors_shape(client: Client) -> None:
    response = await ANTHROPIC.ask(client, model="claude-haiku-4-5")
    answer = response.json()
    assert (answer["type"], answer["role"]) == ("message", "assistant")
    assert answer["id"].startswith("msg_")
    assert answer["model"] == "claude-haiku-4-5-20251001"
    assert [block["type"] for block in answer["content"]] == ["text"]
    assert (answer["stop_reason"], answer["stop_sequence"]) == ("end_turn", None)
    assert answer["usage"]["service_tier"] == "standard"


async def test_a_stream_is_a_message_of_blocks_with_thinking_first(client: Client) -> None:
    events = sse((await ANTHROPIC.ask(client, stream=True)).text)
    assert kinds(events) == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    thinking, text = (event for event in events if event["type"] == "content_block_start")
    assert (thinking["index"], thinking["content_block"]["type"]) == (0, "thinking")
    assert (text["index"], text["content_block"]) == (1, {"type": "text", "text": ""})


async def test_every_event_is_named_before_its_data(client: Client) -> None:
    raw = (await ANTHROPIC.ask(client, stream=True)).text
    for block in filter(None, raw.split("\n\n")):
        name, _ = block.removeprefix("event: ").split("\n", 1)
        assert f'"type":"{name}"' in block


async def test_the_start_holds_a_place_and_the_delta_the_sum(client: Client) -> None:
    events = sse((await ANTHROPIC.ask(client, stream=True, rules=LONG)).text)
    start = events[0]["message"]["usage"]
    delta = next(event for event in events if event["type"] == "message_delta")["usage"]
    assert start["output_tokens"] == 1 < delta["output_tokens"]
    assert start["cache_creation_input_tokens"] == delta["cache_creation_input_tokens"] > 1_024
    assert events[0]["message"]["stop_reason"] is None
    assert "cache_creation" not in delta


async def test_input_is_counted_in_three_classes_and_each_is_billed_at_its_price(client: Client) -> None:
    first = (await ANTHROPIC.ask(client, rules=LONG)).json()["usage"]
    second = (await ANTHROPIC.ask(client, rules=LONG, call="call-2")).json()["usage"]
    written = first["cache_creation_input_tokens"]
    assert first["cache_creation"] == {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0}
    assert (second["cache_read_input_tokens"], second["cache_creation_input_tokens"]) == (written, 0)
    assert first["input_tokens"] == second["input_tokens"] < 50
    bills = [(await client.entry(call))["billed_nano_dollars"] for call in ("call-1", "call-2")]
    plain = first["input_tokens"] * 2_000 + first["output_tokens"] * 10_000
    assert bills == [plain + written * 2_500, plain + written * 100]


async def test_an_hour_in_the_cache_is_told_apart_and_costs_more(client: Client) -> None:
    marked = {"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    usage = (await ANTHROPIC.ask(client, system=[marked])).json()["usage"]
    written = usage["cache_creation_input_tokens"]
    assert usage["cache_creation"] == {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": written}
    billed = (await client.entry())["billed_nano_dollars"]
    assert billed == usage["input_tokens"] * 2_000 + written * 4_000 + usage["output_tokens"] * 10_000


async def test_a_prompt_without_a_mark_is_never_cached(client: Client) -> None:
    for _ in range(2):
        usage = (await ANTHROPIC.ask(client, system=LONG)).json()["usage"]
        assert usage["cache_read_input_tokens"] == usage["cache_creation_input_tokens"] == 0


async def test_older_models_think_only_when_asked(client: Client) -> None:
    model = "claude-haiku-4-5"
    plain = (await ANTHROPIC.ask(client, model=model)).json()
    thought = (
        await ANTHROPIC.ask(client, model=model, thinking={"type": "enabled", "budget_tokens": 2_000})
    ).json()
    assert plain["usage"]["output_tokens_details"]["thinking_tokens"] == 0
    assert [block["type"] for block in thought["content"]] == ["thinking", "text"]
    assert thought["usage"]["output_tokens"] > plain["usage"]["output_tokens"]
    silent = (await ANTHROPIC.ask(client, thinking={"type": "disabled"})).json()
    assert [block["type"] for block in silent["content"]] == ["text"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("length", "max_tokens"),
        ("context_full", "model_context_window_exceeded"),
        ("content_filter", "refusal"),
        ("refusal", "refusal"),
    ],
)
async def test_a_reason_to_stop_is_the_vendors(client: Client, fault: str, reason: str) -> None:
    answer = (await ANTHROPIC.ask(client, fault=f"fault={fault}")).json()
    assert answer["stop_reason"] == reason
    assert ("stop_details" in answer) == (reason == "refusal")


async def test_a_limit_that_thinking_used_up_leaves_no_text(client: Client) -> None:
    events = sse((await ANTHROPIC.ask(client, stream=True, max_tokens=10)).text)
    assert ANTHROPIC.pieces(events) == ""
    assert ANTHROPIC.last(events)["delta"]["stop_reason"] == "max_tokens"
    assert ANTHROPIC.last(events)["usage"]["output_tokens"] == 10


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        ("400", 400, "invalid_request_error"),
        ("401", 401, "authentication_error"),
        ("402", 402, "billing_error"),
        ("403", 403, "permission_error"),
        ("404", 404, "not_found_error"),
        ("413", 413, "request_too_large"),
        ("429", 429, "rate_limit_error"),
        ("quota", 429, "rate_limit_error"),
        ("500", 500, "api_error"),
        ("529", 529, "overloaded_error"),
        ("context_too_long", 400, "invalid_request_error"),
        ("prompt_blocked", 400, "invalid_request_error"),
    ],
)
async def test_an_error_has_a_type_and_the_requests_id(
    client: Client, fault: str, status: int, kind: str
) -> None:
    response = await ANTHROPIC.ask(client, fault=f"fault={fault}")
    body = response.json()
    assert (response.status_code, body["type"], body["error"]["type"]) == (status, "error", kind)
    assert body["request_id"] == response.headers["request-id"] == (await client.entry())["request_id"]


async def test_a_rate_limit_says_when_to_come_again_and_a_spend_limit_does_not(client: Client) -> None:
    limited = (await ANTHROPIC.ask(client, fault="fault=429, retry_after=6.2")).headers
    assert (limited["retry-after"], limited["anthropic-ratelimit-requests-remaining"]) == ("7", "0")
    spent = await ANTHROPIC.ask(client, fault="fault=quota, retry_after=6")
    assert "retry-after" not in spent.headers
    assert spent.json()["error"]["details"] == {"error_code": "enforced_spend_limit_reached"}


async def test_rates_are_told_with_moments_in_rfc_3339(client: Client) -> None:
    headers = (await ANTHROPIC.ask(client)).headers
    for what in ("requests", "tokens", "input-tokens", "output-tokens"):
        assert int(headers[f"anthropic-ratelimit-{what}-remaining"]) < int(
            headers[f"anthropic-ratelimit-{what}-limit"]
        )
        assert datetime.fromisoformat(headers[f"anthropic-ratelimit-{what}-reset"]).tzinfo is not None


async def test_an_error_in_the_stream_is_an_event(client: Client) -> None:
    events = sse((await ANTHROPIC.ask(client, stream=True, fault="fault=overloaded_in_stream")).text)
    assert events[-1]["type"] == "error"
    assert events[-1]["error"]["type"] == "overloaded_error"
    assert (await client.entry())["outcome"] == "error:overloaded_error"


async def test_a_stalled_stream_still_pings(client: Client) -> None:
    headers = ANTHROPIC.headers | {"x-simulator": "fault=stall, after_chunks=1"}
    body = ANTHROPIC.body("hello", "", True) | {"model": ANTHROPIC.model}
    read = ""
    async with client.http.stream("POST", ANTHROPIC.path, json=body, headers=headers) as response:
        async for data in response.aiter_text():
            read += data
            if read.count("event: ping") >= 3:
                break
    assert "message_stop" not in read


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({"anthropic-version": "2023-06-01"}, 401, "x-api-key"),
        ({"x-api-key": "bad", "anthropic-version": "2023-06-01"}, 401, "invalid x-api-key"),
        ({"x-api-key": "sk-ant-any"}, 400, "anthropic-version"),
    ],
)
async def test_key_and_version_are_needed(
    client: Client, headers: dict[str, str], status: int, said: str
) -> None:
    response = await ANTHROPIC.ask(client, headers=headers)
    assert response.status_code == status
    assert said in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"max_tokens": None}, 400, "max_tokens"),
        ({"max_tokens": 0}, 400, "max_tokens"),
        ({"messages": []}, 400, "messages"),
        ({"messages": [{"role": "system", "content": "x"}]}, 400, 'Unexpected role "system"'),
        ({"temperature": 0.1}, 400, "`temperature` is deprecated for this model."),
        ({"thinking": {"type": "enabled", "budget_tokens": 1_024}}, 400, "thinking.type.enabled"),
        (
            {"model": "claude-haiku-4-5", "thinking": {"type": "enabled", "budget_tokens": 9_000}},
            400,
            "budget_tokens",
        ),
        ({"model": "missing-claude"}, 404, "model: missing-claude"),
        (
            {"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "x" * 900_000}]},
            400,
            "too long",
        ),
    ],
)
async def test_a_request_the_vendor_would_refuse_is_refused(
    client: Client, fields: dict[str, Any], status: int, said: str
) -> None:
    response = await ANTHROPIC.ask(client, **fields)
    assert response.status_code == status
    assert said in response.json()["error"]["message"]


async def test_a_body_over_32_megabytes_is_413(client: Client) -> None:
    response = await ANTHROPIC.ask(client, "x" * 33 * 1024 * 1024)
    assert (response.status_code, response.json()["error"]["type"]) == (413, "request_too_large")


async def test_the_limit_is_needed(client: Client) -> None:
    body = {"model": ANTHROPIC.model, "messages": [{"role": "user", "content": "x"}]}
    response = await client.http.post(ANTHROPIC.path, json=body, headers=ANTHROPIC.headers)
    assert response.json()["error"]["message"] == "max_tokens: Field required"


async def test_models_are_listed(client: Client) -> None:
    listed = (await client.http.get("/anthropic/v1/models", headers=ANTHROPIC.headers)).json()
    names = [model["id"] for model in listed["data"]]
    assert {"claude-opus-5-5", "claude-haiku-4-5-20251001"} <= set(names)
    assert (listed["first_id"], listed["last_id"], listed["has_more"]) == (names[0], names[-1], False)
    assert (await client.http.get("/anthropic/v1/models")).status_code == 401
    assert (await client.http.get("/anthropic/v1/nothing")).json()["error"]["type"] == "not_found_error"
