"""What holds on every wire: one script, one set of faults, one journal, one bill, in each vendor's words."""

import json
from typing import Any

import httpx
import pytest

from tests.integration.simulator.conftest import Client
from tests.integration.simulator.speakers import ANTHROPIC, CHAT, GEMINI, OLLAMA, RESPONSES, SPEAKERS, Speaker

ON_EVERY_WIRE = pytest.mark.parametrize("speaker", SPEAKERS, ids=lambda speaker: speaker.name)
BOTH = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
CUT = (httpx.RemoteProtocolError, httpx.ReadError)
LONG = "You are the reviewer of this project. " * 200
STATUSES: dict[str, dict[str, int]] = {
    "openai_chat": {},
    "openai_responses": {},
    "anthropic_messages": {},
    "gemini": {"401": 400, "402": 429, "413": 400, "529": 503},
    "ollama": {"529": 503},
}
"""Where a vendor has another status for what a fault is named after."""
PLAIN = {
    "400": 400, "401": 401, "402": 402, "403": 403, "404": 404, "413": 413, "429": 429, "quota": 429,
    "500": 500, "503": 503, "529": 529, "context_too_long": 400,
}  # fmt: skip


def told(raw: httpx.Response) -> str:
    """The sentence of an error, wherever the vendor puts it."""
    body = raw.json()
    error = (body[0] if isinstance(body, list) else body)["error"]
    return str(error if isinstance(error, str) else error["message"])


async def counted(client: Client, speaker: Speaker, call: str = "call-1") -> None:
    """The journal agrees with the bill and is on the wire's name."""
    entry = await client.entry(call)
    assert entry["wire"] == speaker.name
    assert entry["outcome"] == "answered"


@ON_EVERY_WIRE
async def test_a_stream_says_and_counts_the_same_as_the_whole_answer(
    client: Client, speaker: Speaker
) -> None:
    whole = (await speaker.ask(client)).json()
    response = await speaker.ask(client, stream=True, call="call-2")
    events = speaker.streamed(response.text)
    assert speaker.said(whole).startswith("Simulated answer: no model was asked.")
    assert speaker.pieces(events) == speaker.said(whole)
    assert speaker.counted(speaker.last(events)) == speaker.counted(whole)
    assert len(events) > 4
    for call in ("call-1", "call-2"):
        await counted(client, speaker, call)


@ON_EVERY_WIRE
@BOTH
async def test_what_is_told_is_what_is_billed(client: Client, speaker: Speaker, stream: bool) -> None:
    response = await speaker.ask(client, rules=LONG, stream=stream)
    answer = speaker.last(speaker.streamed(response.text)) if stream else response.json()
    told_ = speaker.counted(answer)
    entry = await client.entry()
    assert (entry["prompt_tokens"], entry["cached_tokens"], entry["cache_write_tokens"]) == (
        told_.prompt,
        told_.cached,
        told_.written,
    )
    assert entry["completion_tokens"] == told_.completion
    assert told_.reasoning in (entry["reasoning_tokens"], None)
    assert entry["reasoning_tokens"] > 0
    bill = await client.bill()
    assert bill["wires"][speaker.name]["nano_dollars"] == entry["billed_nano_dollars"]
    assert (entry["billed_nano_dollars"] == 0) == (speaker is OLLAMA)


@ON_EVERY_WIRE
async def test_a_long_beginning_is_cached_the_second_time(client: Client, speaker: Speaker) -> None:
    answers = [(await speaker.ask(client, rules=LONG)).json() for _ in range(2)]
    first, second = map(speaker.counted, answers)
    assert first.cached == 0
    assert (second.cached > 1_024) == (speaker is not OLLAMA)
    assert first.prompt == second.prompt
    assert second.written == 0


@ON_EVERY_WIRE
@BOTH
@pytest.mark.parametrize("fault", PLAIN)
async def test_an_error_is_the_vendors_and_costs_nothing(
    client: Client, speaker: Speaker, stream: bool, fault: str
) -> None:
    response = await speaker.ask(client, fault=f"fault={fault}", stream=stream)
    assert response.status_code == STATUSES[speaker.name].get(fault, PLAIN[fault])
    assert told(response)
    assert response.headers["content-type"].startswith("application/json")
    entry = await client.entry()
    assert (entry["fault"], entry["billed_nano_dollars"]) == (fault, 0)
    assert entry["outcome"].startswith("error:")


@ON_EVERY_WIRE
@BOTH
async def test_a_model_that_is_gone_is_named(client: Client, speaker: Speaker, stream: bool) -> None:
    response = await speaker.ask(client, fault="fault=404", stream=stream)
    assert speaker.model in told(response)


@ON_EVERY_WIRE
@BOTH
async def test_an_overload_may_come_under_a_200(client: Client, speaker: Speaker, stream: bool) -> None:
    response = await speaker.ask(client, fault="fault=overloaded_in_stream", stream=stream)
    assert response.status_code == 200
    assert "overloaded" in response.text or "server busy" in response.text
    assert (await client.entry())["billed_nano_dollars"] == 0


@ON_EVERY_WIRE
@BOTH
@pytest.mark.parametrize("fault", ["length", "context_full", "content_filter", "refusal"])
async def test_an_answer_that_ends_early_is_billed(
    client: Client, speaker: Speaker, stream: bool, fault: str
) -> None:
    response = await speaker.ask(client, fault=f"fault={fault}", stream=stream)
    assert response.status_code == 200
    entry = await client.entry()
    assert (entry["outcome"], entry["finish_reason"]) == ("answered", fault)
    answer = speaker.last(speaker.streamed(response.text)) if stream else response.json()
    assert speaker.counted(answer).completion == entry["completion_tokens"]


@ON_EVERY_WIRE
async def test_a_truncated_stream_has_no_end(client: Client, speaker: Speaker) -> None:
    response = await speaker.ask(client, fault="fault=truncate", stream=True)
    events = speaker.streamed(response.text)
    assert speaker.pieces(events)
    ends = ('"stop"', "STOP", "end_turn", "message_stop", "response.completed", "[DONE]", '"done":true')
    assert not any(end in response.text for end in ends)


@ON_EVERY_WIRE
@BOTH
async def test_a_connection_may_be_cut_in_mid_answer(client: Client, speaker: Speaker, stream: bool) -> None:
    with pytest.raises(CUT):
        await speaker.ask(client, fault="fault=disconnect", stream=stream)
    assert (await client.entry())["outcome"] == "cut"


@ON_EVERY_WIRE
@BOTH
async def test_a_malformed_answer_is_no_json(client: Client, speaker: Speaker, stream: bool) -> None:
    response = await speaker.ask(client, fault="fault=malformed", stream=stream)
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        speaker.streamed(response.text) if stream else response.json()


@ON_EVERY_WIRE
@BOTH
async def test_a_proxys_page_or_nothing_may_come(client: Client, speaker: Speaker, stream: bool) -> None:
    page = await speaker.ask(client, fault="fault=wrong_content_type", stream=stream)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html")
    empty = await speaker.ask(client, fault="fault=empty", stream=stream, call="call-2")
    assert (empty.status_code, empty.content) == (200, b"")


@ON_EVERY_WIRE
@BOTH
async def test_usage_may_be_left_out_and_is_charged_all_the_same(
    client: Client, speaker: Speaker, stream: bool
) -> None:
    response = await speaker.ask(client, fault="fault=no_usage", stream=stream)
    told_ = ('_tokens":', "TokenCount", "eval_count")
    assert not any(word in response.text.replace("max_output_tokens", "") for word in told_)
    assert (await client.entry())["completion_tokens"] > 0


@ON_EVERY_WIRE
async def test_a_missing_model_and_an_account_of_its_own(client: Client, speaker: Speaker) -> None:
    await client.rules({"match": {"account": "east"}, "fault": "outage"})
    with pytest.raises(CUT):
        await speaker.ask(client, account="east")
    assert (await speaker.ask(client, account="west", call="call-2")).status_code == 200
    assert (await client.entry("call-2"))["account"] == "west"


@ON_EVERY_WIRE
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[" * 10_000, b'{"model":"\xff"}'])
async def test_a_body_that_is_no_request_is_400(client: Client, speaker: Speaker, body: bytes) -> None:
    response = await client.http.post(speaker.path, content=body, headers=speaker.headers)
    assert response.status_code == 400
    assert told(response)


@ON_EVERY_WIRE
async def test_a_rule_meets_one_wire_by_its_path(client: Client, speaker: Speaker) -> None:
    await client.rules({"match": {"path": speaker.path}, "fault": "500"})
    statuses = {one.name: (await one.ask(client, call=one.name)).status_code for one in SPEAKERS}
    assert {name for name, status in statuses.items() if status == 500} == {speaker.name}


@pytest.mark.parametrize(
    ("speaker", "asked"),
    [
        (
            CHAT,
            lambda schema: {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}},
        ),
        (RESPONSES, lambda schema: {"text": {"format": {"type": "json_schema", "schema": schema}}}),
        (ANTHROPIC, lambda schema: {"output_config": {"format": {"type": "json_schema", "schema": schema}}}),
        (
            GEMINI,
            lambda schema: {
                "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": schema}
            },
        ),
        (OLLAMA, lambda schema: {"format": schema}),
    ],
    ids=lambda one: one.name if isinstance(one, Speaker) else "",
)
@BOTH
async def test_structured_output_fits_the_schema(
    client: Client, speaker: Speaker, asked: Any, stream: bool
) -> None:
    schema = {
        "type": "object",
        "properties": {
            "verdict": {"type": "string", "enum": ["approve", "reject"]},
            "findings": {
                "type": "array",
                "items": {"type": "object", "properties": {"line": {"type": "integer", "minimum": 1}}},
            },
        },
        "required": ["verdict", "findings"],
        "additionalProperties": False,
    }
    response = await speaker.ask(client, stream=stream, **asked(schema))
    text = speaker.pieces(speaker.streamed(response.text)) if stream else speaker.said(response.json())
    assert json.loads(text) == {"verdict": "approve", "findings": [{"line": 1}]}
