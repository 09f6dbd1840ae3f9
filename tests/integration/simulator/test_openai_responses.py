"""OpenAI's Responses as its own clients use them."""

from typing import Any

import pytest

from tests.integration.simulator.conftest import Client
from tests.integration.simulator.speakers import RESPONSES, sse


async def test_a_response_has_the_vendors_shape(client: Client) -> None:
    response = await RESPONSES.ask(client)
    answer = response.json()
    assert answer["id"].startswith("resp_")
    assert (answer["object"], answer["status"], answer["error"]) == ("response", "completed", None)
    assert answer["model"] == "gpt-5-mini-2025-08-07"
    reasoning, message = answer["output"]
    assert (reasoning["type"], message["type"], message["role"]) == ("reasoning", "message", "assistant")
    assert message["content"][0]["type"] == "output_text"
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert response.headers["x-request-id"] == (await client.entry())["request_id"]


async def test_a_stream_is_named_numbered_and_ends_with_the_whole(client: Client) -> None:
    response = await RESPONSES.ask(client, stream=True)
    events = sse(response.text)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    names = list(dict.fromkeys(event["type"] for event in events))
    assert names == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.output_item.done",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.completed",
    ]
    assert "[DONE]" not in response.text
    whole = events[-1]["response"]
    assert whole["output"][1]["content"][0]["text"] == RESPONSES.pieces(events)


async def test_input_may_be_a_text_with_instructions(client: Client) -> None:
    answer = (await RESPONSES.ask(client, input="one two three", instructions="Be brief.")).json()
    assert "has 3 words" in RESPONSES.said(answer)


async def test_input_may_come_in_parts(client: Client) -> None:
    parts = [{"type": "input_text", "text": "one two "}, {"type": "input_text", "text": "three"}]
    items = [{"type": "reasoning", "id": "rs_1", "summary": []}, {"role": "user", "content": parts}]
    answer = (await RESPONSES.ask(client, input=items)).json()
    assert "has 3 words" in RESPONSES.said(answer)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("length", "max_output_tokens"),
        ("context_full", "max_output_tokens"),
        ("content_filter", "content_filter"),
    ],
)
async def test_what_ends_early_is_incomplete(client: Client, stream: bool, fault: str, reason: str) -> None:
    response = await RESPONSES.ask(client, stream=stream, fault=f"fault={fault}")
    if stream:
        assert sse(response.text)[-1]["type"] == "response.incomplete"
    answer = RESPONSES.last(sse(response.text)) if stream else response.json()
    assert (answer["status"], answer["incomplete_details"]) == ("incomplete", {"reason": reason})
    assert answer["output"][-1]["status"] == "incomplete"


async def test_a_limit_that_reasoning_used_up_leaves_no_message(client: Client) -> None:
    answer = (await RESPONSES.ask(client, max_output_tokens=16)).json()
    assert [item["type"] for item in answer["output"]] == ["reasoning"]
    assert answer["usage"]["output_tokens_details"]["reasoning_tokens"] == 16


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_refusal_is_a_part_of_its_own(client: Client, stream: bool) -> None:
    response = await RESPONSES.ask(client, stream=stream, fault="fault=refusal")
    answer = RESPONSES.last(sse(response.text)) if stream else response.json()
    (part,) = answer["output"][-1]["content"]
    assert (answer["status"], part["type"]) == ("completed", "refusal")
    if stream:
        kinds = {event["type"] for event in sse(response.text)}
        assert {"response.refusal.delta", "response.refusal.done"} <= kinds
        assert "response.output_text.delta" not in kinds


async def test_an_overload_in_the_stream_is_an_error_and_a_failed_response(client: Client) -> None:
    events = sse((await RESPONSES.ask(client, stream=True, fault="fault=overloaded_in_stream")).text)
    error, failed = events[-2:]
    assert (error["type"], error["error"]["code"]) == ("error", "server_is_overloaded")
    assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
    assert failed["response"]["error"]["code"] == "server_is_overloaded"


async def test_writing_to_the_cache_is_told_and_billed_where_the_model_charges_for_it(client: Client) -> None:
    system = "Rules of the house. " * 400
    first = (await RESPONSES.ask(client, rules=system, model="gpt-5.6-luna")).json()["usage"]
    second = (await RESPONSES.ask(client, call="call-2", rules=system, model="gpt-5.6-luna")).json()["usage"]
    written = first["input_tokens_details"]["cache_write_tokens"]
    assert first["input_tokens_details"] == {"cached_tokens": 0, "cache_write_tokens": written}
    assert second["input_tokens_details"] == {"cached_tokens": written, "cache_write_tokens": 0}
    fresh = first["input_tokens"] - written
    bills = [(await client.entry(call))["billed_nano_dollars"] for call in ("call-1", "call-2")]
    output = first["output_tokens"] * 1_200
    assert bills == [fresh * 200 + written * 250 + output, fresh * 200 + written * 20 + output]


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"model": "missing-model"}, 404, "model_not_found", "model"),
        ({"input": []}, 400, "invalid_value", "input"),
        ({"input": [{"role": "wizard", "content": "x"}]}, 400, "invalid_value", "input"),
        ({"max_output_tokens": 15}, 400, "invalid_value", "max_output_tokens"),
        ({"temperature": 0.1}, 400, "unsupported_value", "temperature"),
        ({"background": True}, 400, "unsupported_value", "background"),
    ],
)
async def test_a_request_the_vendor_would_refuse_is_refused(
    client: Client, fields: dict[str, Any], status: int, code: str, param: str
) -> None:
    response = await RESPONSES.ask(client, **fields)
    error = response.json()["error"]
    assert response.status_code == status
    assert error["code"] == code
    assert error["param"].startswith(param)


async def test_a_blocked_prompt_has_its_code(client: Client) -> None:
    error = (await RESPONSES.ask(client, fault="fault=prompt_blocked")).json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_prompt")
