"""Google's wire as its own clients use it."""

from typing import Any

import pytest

from tests.integration.simulator.conftest import Client
from tests.integration.simulator.speakers import GEMINI, sse

FLASH = "/gemini/v1beta/models/gemini-2.5-flash:generateContent"


async def test_a_response_has_the_vendors_shape(client: Client) -> None:
    answer = (await GEMINI.ask(client)).json()
    (candidate,) = answer["candidates"]
    assert candidate["content"]["role"] == "model"
    assert (candidate["finishReason"], candidate["index"]) == ("STOP", 0)
    assert answer["modelVersion"] == "gemini-2.5-pro"
    assert answer["responseId"] == (await client.entry())["request_id"]


async def test_thoughts_are_counted_beside_the_answer(client: Client) -> None:
    usage = (await GEMINI.ask(client)).json()["usageMetadata"]
    entry = await client.entry()
    assert usage["candidatesTokenCount"] + usage["thoughtsTokenCount"] == entry["completion_tokens"]
    assert usage["thoughtsTokenCount"] == entry["reasoning_tokens"] > 0
    assert entry["billed_nano_dollars"] == (
        usage["promptTokenCount"] * 1_250
        + (usage["candidatesTokenCount"] + usage["thoughtsTokenCount"]) * 10_000
    )


async def test_what_is_zero_is_left_out(client: Client) -> None:
    body = GEMINI.body("hello", "", False) | {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}
    usage = (await client.http.post(FLASH, json=body, headers=GEMINI.headers)).json()["usageMetadata"]
    assert "thoughtsTokenCount" not in usage
    assert "cachedContentTokenCount" not in usage
    cut = (await GEMINI.ask(client, generationConfig={"maxOutputTokens": 5})).json()
    assert cut["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert "candidatesTokenCount" not in cut["usageMetadata"]
    assert cut["usageMetadata"]["thoughtsTokenCount"] == 5


async def test_only_the_last_chunk_ends_and_counts_the_answer(client: Client) -> None:
    response = await GEMINI.ask(client, stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    *chunks, last = sse(response.text)
    assert all("finishReason" not in chunk["candidates"][0] for chunk in chunks)
    assert all("candidatesTokenCount" not in chunk["usageMetadata"] for chunk in chunks)
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert last["usageMetadata"]["candidatesTokenCount"] > 0


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("length", "MAX_TOKENS"),
        ("context_full", "MAX_TOKENS"),
        ("content_filter", "SAFETY"),
        ("refusal", "PROHIBITED_CONTENT"),
    ],
)
async def test_a_reason_to_finish_is_the_vendors(client: Client, fault: str, reason: str) -> None:
    answer = (await GEMINI.ask(client, fault=f"fault={fault}")).json()
    assert answer["candidates"][0]["finishReason"] == reason


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_blocked_prompt_is_answered_without_a_candidate_and_charged_as_read(
    client: Client, stream: bool
) -> None:
    response = await GEMINI.ask(client, fault="fault=prompt_blocked", stream=stream)
    assert response.status_code == 200
    answer = sse(response.text)[0] if stream else response.json()
    assert answer["promptFeedback"] == {"blockReason": "PROHIBITED_CONTENT"}
    assert "candidates" not in answer
    entry = await client.entry()
    assert (entry["completion_tokens"], entry["finish_reason"]) == (0, "blocked")
    assert entry["billed_nano_dollars"] == answer["usageMetadata"]["promptTokenCount"] * 1_250


@pytest.mark.parametrize(
    ("fault", "status", "name"),
    [
        ("400", 400, "INVALID_ARGUMENT"),
        ("401", 400, "INVALID_ARGUMENT"),
        ("402", 429, "RESOURCE_EXHAUSTED"),
        ("403", 403, "PERMISSION_DENIED"),
        ("404", 404, "NOT_FOUND"),
        ("413", 400, "INVALID_ARGUMENT"),
        ("429", 429, "RESOURCE_EXHAUSTED"),
        ("quota", 429, "RESOURCE_EXHAUSTED"),
        ("500", 500, "INTERNAL"),
        ("503", 503, "UNAVAILABLE"),
        ("529", 503, "UNAVAILABLE"),
        ("context_too_long", 400, "INVALID_ARGUMENT"),
    ],
)
async def test_an_error_has_a_code_and_a_status_in_words(
    client: Client, fault: str, status: int, name: str
) -> None:
    response = await GEMINI.ask(client, fault=f"fault={fault}")
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["status"]) == (status, status, name)
    assert (await client.entry())["outcome"] == f"error:{name}"


async def test_an_error_of_the_streaming_door_is_a_list_of_one(client: Client) -> None:
    (body,) = (await GEMINI.ask(client, stream=True, fault="fault=503")).json()
    assert body["error"]["status"] == "UNAVAILABLE"


async def test_only_the_quotas_name_tells_a_minute_from_a_day(client: Client) -> None:
    def details(answer: Any) -> tuple[str, str]:
        failure, retry = answer["error"]["details"]
        return failure["violations"][0]["quotaId"], retry["retryDelay"]

    minute = await GEMINI.ask(client, fault="fault=429, retry_after=7.5")
    day = await GEMINI.ask(client, fault="fault=quota")
    assert details(minute.json()) == ("GenerateRequestsPerMinutePerProjectPerModel", "7.5s")
    assert details(day.json()) == ("GenerateRequestsPerDayPerProjectPerModel", "36s")
    assert "retry-after" not in minute.headers


async def test_a_wrong_key_is_an_invalid_argument_with_its_reason(client: Client) -> None:
    wrong = (await GEMINI.ask(client, headers={"x-goog-api-key": "bad"})).json()["error"]
    assert (wrong["code"], wrong["details"][0]["reason"]) == (400, "API_KEY_INVALID")
    missing = await GEMINI.ask(client, headers={})
    assert (missing.status_code, missing.json()["error"]["status"]) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"contents": []}, "contents"),
        ({"contents": [{"role": "system", "parts": [{"text": "x"}]}]}, "valid role"),
        ({"generationConfig": {"maxOutputTokens": 0}}, "generationConfig.maxOutputTokens"),
        ({"contents": [{"parts": [{"text": "x" * 4_300_000}]}]}, "exceeds the maximum number of tokens"),
    ],
)
async def test_a_request_the_vendor_would_refuse_is_refused(
    client: Client, fields: dict[str, Any], said: str
) -> None:
    error = (await GEMINI.ask(client, **fields)).json()["error"]
    assert error["code"] == 400
    assert said in error["message"]


async def test_names_may_have_underscores(client: Client) -> None:
    body = {
        "contents": [{"parts": [{"text": "one two three"}]}],
        "system_instruction": {"parts": [{"text": "Be brief."}]},
        "generation_config": {"max_output_tokens": 4_000, "response_mime_type": "application/json"},
    }
    answer = (await client.http.post(FLASH, json=body, headers=GEMINI.headers)).json()
    assert answer["candidates"][0]["content"]["parts"][0]["text"].startswith('{"answer":')


async def test_googles_schemas_in_capitals_are_read_too(client: Client) -> None:
    schema = {"type": "OBJECT", "properties": {"count": {"type": "INTEGER"}, "ok": {"type": "BOOLEAN"}}}
    config = {"responseMimeType": "application/json", "responseSchema": schema}
    answer = (await GEMINI.ask(client, generationConfig=config)).json()
    assert GEMINI.said(answer) == '{"count":1,"ok":true}'


async def test_a_missing_model_a_wrong_method_and_a_stream_without_events(client: Client) -> None:
    async def status(path: str) -> int:
        body = GEMINI.body("x", "", False)
        response = await client.http.post(f"/gemini/v1beta{path}", json=body, headers=GEMINI.headers)
        assert response.json()["error"]["status"] == "NOT_FOUND"
        return response.status_code

    assert await status("/models/missing-gemini:generateContent") == 404
    assert await status("/models/gemini-2.5-pro:countTokens") == 404
    assert await status("/models/gemini-2.5-pro:streamGenerateContent") == 404


async def test_models_are_listed_with_what_they_can_do(client: Client) -> None:
    listed = (await client.http.get("/gemini/v1beta/models", headers=GEMINI.headers)).json()["models"]
    pro = next(model for model in listed if model["name"] == "models/gemini-2.5-pro")
    assert pro["inputTokenLimit"] == 1_048_576
    assert "generateContent" in pro["supportedGenerationMethods"]
    assert (await client.http.get("/gemini/v1beta/models")).status_code == 403
