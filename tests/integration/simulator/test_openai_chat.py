"""OpenAI's wire as its own clients use it."""

import asyncio
import json
import re
import urllib.request
from typing import Any

import httpx
import pytest

from tests.integration.simulator.conftest import CHAT, Client

LABEL = "Simulated answer: no model was asked."


def events(text: str) -> list[Any]:
    lines = [line for line in text.split("\n\n") if line]
    assert lines[-1] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]


async def test_a_plain_request_of_the_standard_library_is_answered(client: Client) -> None:
    body = {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "Say hello"}],
        "temperature": 0.2,
    }
    request = urllib.request.Request(
        client.url + CHAT,
        json.dumps(body).encode(),
        {"Authorization": "Bearer sk-anything", "Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def send() -> dict[str, Any]:
        with opener.open(request, timeout=10) as response:
            answer: dict[str, Any] = json.load(response)
            return answer

    answer = await asyncio.to_thread(send)
    assert answer["object"] == "chat.completion"
    assert answer["model"] == "gpt-4o-mini-2024-07-18"
    assert answer["service_tier"] == "default"
    assert answer["system_fingerprint"] == "simulator"
    assert answer["choices"][0]["message"]["content"].startswith(LABEL)
    assert answer["choices"][0]["finish_reason"] == "stop"
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 0


async def test_a_stream_says_the_same_as_the_whole_answer(client: Client) -> None:
    whole = (await client.chat()).json()
    response = await client.chat(stream=True, stream_options={"include_usage": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    *chunks, finish, usage = events(response.text)
    text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks)
    assert text == whole["choices"][0]["message"]["content"]
    assert len(chunks) > 3
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert usage["choices"] == []
    assert usage["usage"] == whole["usage"]
    assert all(chunk["usage"] is None for chunk in chunks)


async def test_usage_is_streamed_only_when_asked_for(client: Client) -> None:
    response = await client.chat(stream=True)
    assert all("usage" not in event for event in events(response.text))


async def test_answers_carry_the_vendors_headers(client: Client) -> None:
    headers = (await client.chat()).headers
    assert headers["x-request-id"].startswith("req_")
    assert int(headers["openai-processing-ms"]) >= 0
    for what in ("requests", "tokens"):
        assert int(headers[f"x-ratelimit-remaining-{what}"]) < int(headers[f"x-ratelimit-limit-{what}"])
        assert re.fullmatch(r"(\d+m)?[\d.]+m?s", headers[f"x-ratelimit-reset-{what}"])


async def test_reasoning_models_think_first_and_a_limit_bounds_both(client: Client) -> None:
    usage = (await client.chat()).json()["usage"]
    assert usage["completion_tokens_details"]["reasoning_tokens"] > 0
    short = (await client.chat(max_completion_tokens=70)).json()
    assert short["choices"][0]["finish_reason"] == "length"
    assert short["usage"]["completion_tokens"] <= 70
    thought_only = (await client.chat(max_completion_tokens=10)).json()
    assert thought_only["choices"][0]["message"]["content"] == ""
    assert thought_only["usage"]["completion_tokens"] == 10


async def test_a_long_system_prompt_is_cached_the_second_time(client: Client) -> None:
    messages = [{"role": "developer", "content": "x" * 5_000}, {"role": "user", "content": "hi"}]
    first, second = [(await client.chat(messages=messages)).json()["usage"] for _ in range(2)]
    assert first["prompt_tokens_details"]["cached_tokens"] == 0
    assert second["prompt_tokens_details"]["cached_tokens"] == 1_152
    assert first["prompt_tokens"] == second["prompt_tokens"]


async def test_content_may_come_in_parts(client: Client) -> None:
    parts = [{"type": "text", "text": "one two "}, {"type": "text", "text": "three"}]
    answer = (await client.chat(messages=[{"role": "user", "content": parts}])).json()
    assert "has 3 words" in answer["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [({}, None), ({"authorization": "Basic x"}, None), ({"authorization": "Bearer bad"}, "invalid_api_key")],
)
async def test_a_missing_or_wrong_key_is_401(
    client: Client, headers: dict[str, str], code: str | None
) -> None:
    for response in (
        await client.http.post(CHAT, json={}, headers=headers),
        await client.http.get("/openai/v1/models", headers=headers),
    ):
        assert response.status_code == 401
        assert response.json()["error"]["code"] == code


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"model": "missing-model"}, 404, "model_not_found", "model"),
        ({"messages": []}, 400, "invalid_value", "messages"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, 400, "invalid_value", "messages"),
        ({"stream": "perhaps"}, 400, "invalid_value", "stream"),
        ({"max_tokens": 10}, 400, "unsupported_parameter", "max_tokens"),
        ({"temperature": 0.1}, 400, "unsupported_value", "temperature"),
        (
            {"model": "gpt-4o", "messages": [{"role": "user", "content": "x" * 600_000}]},
            400,
            "context_length_exceeded",
            "messages",
        ),
    ],
)
async def test_a_request_the_vendor_would_refuse_is_refused(
    client: Client, fields: dict[str, Any], status: int, code: str, param: str
) -> None:
    response = await client.chat(**fields)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (status, code, param)
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    entry = await client.entry()
    assert (entry["status"], entry["outcome"], entry["billed_nano_dollars"]) == (status, f"error:{code}", 0)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"[" * 10_000, b'{"model":"\xff"}', b'{"model":"\\ud800"}']
)
async def test_a_body_that_is_no_request_is_400(client: Client, body: bytes) -> None:
    response = await client.http.post(CHAT, content=body, headers={"authorization": "Bearer x"})
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


async def test_models_are_listed_under_both_names(client: Client) -> None:
    response = await client.http.get("/openai/v1/models", headers={"authorization": "Bearer x"})
    names = [model["id"] for model in response.json()["data"]]
    assert {"gpt-5-mini", "gpt-5-mini-2025-08-07"} <= set(names)


async def test_an_unknown_path_or_method_says_so(client: Client) -> None:
    assert (await client.http.get("/openai/v1/nothing")).status_code == 404
    assert (await client.http.get(CHAT)).status_code == 405
    assert (await client.http.post("/simulator/nothing")).status_code == 404


@pytest.mark.parametrize("stated", [True, False])
async def test_a_body_over_64_megabytes_is_413(client: Client, stated: bool) -> None:
    piece = b"x" * 1024 * 1024

    async def body() -> Any:
        for _ in range(65):
            yield piece

    headers = {"authorization": "Bearer x"} | ({"content-length": str(65 * len(piece))} if stated else {})
    response = await client.http.post(CHAT, content=body(), headers=headers)
    assert response.status_code == 413


async def test_garbage_on_the_line_is_400_and_the_end(client: Client) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(client.url).port)
    writer.write(b"NONSENSE\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 400")
    writer.close()
    await writer.wait_closed()


async def test_requests_sent_in_one_go_are_answered_in_order(client: Client) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(client.url).port)
    writer.write(
        b"GET /simulator/health HTTP/1.1\r\nhost: x\r\n\r\n"
        b"GET /simulator/rules HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )
    text = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    assert text.count("HTTP/1.1 200") == 2
    assert text.index('"status":"ok"') < text.index("[]")
