"""Each fault as a client meets it, and what is billed for it."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.integration.simulator.conftest import CHAT, Client
from tests.integration.simulator.eventually import eventually

BOTH = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
CUT = (httpx.RemoteProtocolError, httpx.ReadError)


def pieces(text: str) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    return [json.loads(line) for line in lines if line != "[DONE]"]


@BOTH
@pytest.mark.parametrize(
    ("fault", "status", "kind", "code"),
    [
        ("429", 429, "requests", "rate_limit_exceeded"),
        ("quota", 429, "insufficient_quota", "insufficient_quota"),
        ("500", 500, "server_error", None),
        ("503", 503, "server_error", None),
        ("529", 529, "service_unavailable_error", "server_is_overloaded"),
        ("401", 401, "invalid_request_error", "invalid_api_key"),
        ("402", 402, "unknown_error", "invalid_request_error"),
        ("403", 403, "invalid_request_error", "unsupported_country_region_territory"),
        ("404", 404, "invalid_request_error", "model_not_found"),
        ("413", 413, "invalid_request_error", "request_too_large"),
        ("400", 400, "invalid_request_error", None),
        ("prompt_blocked", 400, "invalid_request_error", "content_filter"),
        ("context_too_long", 400, "invalid_request_error", "context_length_exceeded"),
    ],
)
async def test_an_error_is_the_vendors_and_costs_nothing(
    client: Client, stream: bool, fault: str, status: int, kind: str, code: str | None
) -> None:
    response = await client.chat(fault=f"fault={fault}", stream=stream)
    error = response.json()["error"]
    assert (response.status_code, error["type"], error["code"]) == (status, kind, code)
    entry = await client.entry()
    assert (entry["fault"], entry["outcome"]) == (fault, f"error:{code or status}")
    assert (await client.bill())["total"]["nano_dollars"] == 0


async def test_a_rate_limit_says_when_to_come_again_and_a_quota_does_not(client: Client) -> None:
    headers = (await client.chat(fault="fault=429, retry_after=1.5")).headers
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("2", "1500")
    assert (headers["x-ratelimit-remaining-requests"], headers["x-ratelimit-reset-requests"]) == ("0", "1.5s")
    assert (await client.chat(fault="fault=429")).headers["retry-after"] == "1"
    assert "retry-after" not in (await client.chat(fault="fault=quota, retry_after=9")).headers
    assert (await client.chat(fault="fault=503, retry_after=4")).headers["retry-after"] == "4"


@BOTH
@pytest.mark.parametrize("fault", ["length", "content_filter"])
async def test_an_answer_may_end_early_with_its_reason(client: Client, stream: bool, fault: str) -> None:
    response = await client.chat(fault=f"fault={fault}", stream=stream)
    last = pieces(response.text)[-1] if stream else response.json()
    assert last["choices"][0]["finish_reason"] == fault
    entry = await client.entry()
    assert (entry["outcome"], entry["finish_reason"]) == ("answered", fault)
    assert entry["billed_nano_dollars"] > 0


@BOTH
async def test_usage_may_be_left_out_and_is_charged_all_the_same(client: Client, stream: bool) -> None:
    options = {"include_usage": True} if stream else None
    response = await client.chat(fault="fault=no_usage", stream=stream, stream_options=options)
    bodies = pieces(response.text) if stream else [response.json()]
    assert all(not body.get("usage") for body in bodies)
    assert (await client.entry())["completion_tokens"] > 0


@BOTH
@pytest.mark.parametrize("fault", ["stall", "no_first_token"])
async def test_a_stalled_request_ends_when_the_client_leaves(
    client: Client, stream: bool, fault: str
) -> None:
    async def stalled() -> bool:
        entry = await client.entry()
        return bool(entry["outcome"] == "disconnected")

    with pytest.raises(httpx.ReadTimeout):
        await client.http.post(
            CHAT,
            json={"model": "gpt-4.1", "stream": stream, "messages": [{"role": "user", "content": "x"}]},
            headers={
                "authorization": "Bearer x",
                "x-client-request-id": "call-1",
                "x-simulator": f"fault={fault}",
            },
            timeout=0.2,
        )
    await eventually(stalled)
    entry = await client.entry()
    assert entry["status"] == (200 if fault == "stall" else None)
    assert entry["first_sent_at"] is None
    # The vendor has read a stalled prompt; it never looked at one that no token came for. What is not
    # streamed is generated to its end before it is sent.
    expected = 0 if fault == "no_first_token" else entry["prompt_tokens"] * 2_000
    if fault == "stall" and not stream:
        expected += entry["completion_tokens"] * 8_000
    assert entry["billed_nano_dollars"] == expected


async def test_a_stall_may_come_after_some_chunks(client: Client) -> None:
    headers = {"authorization": "Bearer x", "x-simulator": "fault=stall, after_chunks=2"}
    body = {"model": "gpt-4.1", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    read = b""
    async with client.http.stream("POST", CHAT, json=body, headers=headers) as response:
        async for data in response.aiter_bytes():
            read += data
            if read.count(b"\n\n") == 3:
                break
    assert [piece["choices"][0]["delta"].get("content") for piece in pieces(read.decode())] == [
        "",
        "Simulated answer: no model ",
        "was asked. Your message ",
    ]


@BOTH
async def test_a_trickle_arrives_in_the_end(client: Client, stream: bool) -> None:
    arrivals = 0
    headers = {"authorization": "Bearer x", "x-simulator": "fault=trickle, chunk=20ms"}
    body = {"model": "gpt-4.1", "stream": stream, "messages": [{"role": "user", "content": "x"}]}
    async with client.http.stream("POST", CHAT, json=body, headers=headers) as response:
        async for _ in response.aiter_raw():
            arrivals += 1
    assert arrivals >= 5
    assert response.elapsed.total_seconds() >= 0.1


async def test_a_truncated_stream_ends_without_a_finish_reason(client: Client) -> None:
    response = await client.chat(fault="fault=truncate", stream=True)
    found = pieces(response.text)
    assert found
    assert all(piece["choices"][0]["finish_reason"] is None for piece in found)
    assert "[DONE]" not in response.text
    entry = await client.entry()
    whole = (await client.chat(call="call-2")).json()["usage"]["completion_tokens"]
    assert entry["outcome"] == "truncated"
    assert 0 < entry["completion_tokens"] < whole


async def test_a_truncated_body_is_half_an_answer(client: Client) -> None:
    response = await client.chat(fault="fault=truncate")
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()


@BOTH
async def test_a_connection_may_be_cut_in_mid_answer(client: Client, stream: bool) -> None:
    with pytest.raises(CUT):
        await client.chat(fault="fault=disconnect", stream=stream)
    entry = await client.entry()
    assert (entry["status"], entry["outcome"]) == (200, "cut")
    assert entry["billed_nano_dollars"] > 0


@BOTH
async def test_a_malformed_answer_is_no_json(client: Client, stream: bool) -> None:
    response = await client.chat(fault="fault=malformed", stream=stream)
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(response.text.removeprefix("data: ").partition("\n\n")[0])


@BOTH
async def test_an_answer_may_be_empty(client: Client, stream: bool) -> None:
    response = await client.chat(fault="fault=empty", stream=stream)
    assert (response.status_code, response.content) == (200, b"")
    assert (await client.entry())["completion_tokens"] == 0


@BOTH
async def test_an_overload_may_come_under_a_200(client: Client, stream: bool) -> None:
    response = await client.chat(fault="fault=overloaded_in_stream", stream=stream)
    assert response.status_code == 200
    last = pieces(response.text)[-1] if stream else response.json()
    assert last["error"]["code"] == "server_is_overloaded"
    assert (await client.entry())["billed_nano_dollars"] == 0


@BOTH
async def test_a_proxys_page_may_come_in_place_of_an_answer(client: Client, stream: bool) -> None:
    response = await client.chat(fault="fault=wrong_content_type", stream=stream)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html")
    assert "<html>" in response.text


async def test_an_outage_closes_every_connection_until_it_is_over(client: Client) -> None:
    await client.rules({"fault": "outage", "match": {"account": "east"}})
    for _ in range(3):
        with pytest.raises(CUT):
            await client.chat(path=f"/accounts/east{CHAT}")
    with pytest.raises(CUT):
        await client.http.get("/accounts/east/openai/v1/models")
    assert (await client.chat(path=f"/accounts/west{CHAT}")).status_code == 200
    assert (await client.http.delete("/simulator/rules")).status_code == 204
    assert (await client.chat(path=f"/accounts/east{CHAT}")).status_code == 200
    assert (await client.bill())["accounts"]["east"]["requests"] == 4


async def test_a_rule_meets_so_many_requests_and_shows_it(client: Client) -> None:
    assert (await client.rules({"fault": "500", "times": 2})).json()[0]["applied"] == 0
    statuses = [(await client.chat()).status_code for _ in range(3)]
    assert statuses == [500, 500, 200]
    assert (await client.http.get("/simulator/rules")).json()[0]["applied"] == 2


async def test_a_rule_with_a_mistake_is_refused_and_changes_nothing(client: Client) -> None:
    await client.rules({"fault": "500"})
    response = await client.rules({"fault": "boom"})
    assert response.status_code == 422
    assert response.json()["error"]["message"].startswith("0.fault")
    assert (await client.chat()).status_code == 500


async def test_latency_comes_before_the_first_byte(client: Client) -> None:
    await client.chat(fault="latency=150ms", stream=True)
    entry = await client.entry()
    assert 0.15 <= entry["first_sent_at"] - entry["received_at"] < 5


async def test_a_client_that_leaves_in_mid_stream_pays_for_what_was_generated(client: Client) -> None:
    headers = {
        "authorization": "Bearer x",
        "x-client-request-id": "call-1",
        "x-simulator": "chunk=100ms",
    }
    body = {"model": "gpt-4.1", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    async with client.http.stream("POST", CHAT, json=body, headers=headers) as response:
        async for data in response.aiter_bytes():
            if b"Simulated" in data:
                break

    async def noticed() -> bool:
        return bool((await client.entry())["outcome"] == "disconnected")

    await eventually(noticed)
    entry = await client.entry()
    whole = (await client.chat(model="gpt-4.1", text="x", call="call-2")).json()["usage"]
    assert 0 < entry["completion_tokens"] < whole["completion_tokens"]
    assert entry["billed_nano_dollars"] == entry["prompt_tokens"] * 2_000 + entry["completion_tokens"] * 8_000


async def test_a_thousand_streams_stand_open_at_once(client: Client) -> None:
    port = httpx.URL(client.url).port
    body = json.dumps(
        {"model": "gpt-4.1", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    ).encode()
    headers = b"authorization: Bearer x\r\nx-simulator: fault=stall\r\ncontent-length: %d\r\n" % len(body)
    request = b"POST %b HTTP/1.1\r\n%b\r\n%b" % (CHAT.encode(), headers, body)

    async def stall() -> asyncio.StreamWriter:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        await reader.readuntil(b"\r\n\r\n")
        return writer

    writers = await asyncio.gather(*(stall() for _ in range(1_000)))
    health = (await client.http.get("/simulator/health")).json()
    assert health["open"] == 1_000
    for writer in writers:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for writer in writers))

    async def all_gone() -> bool:
        return bool((await client.http.get("/simulator/health")).json()["open"] == 0)

    await eventually(all_gone)
