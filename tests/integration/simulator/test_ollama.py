"""Ollama's native wire as its own clients use it."""

from typing import Any

import pytest

from tests.integration.simulator.conftest import Client
from tests.integration.simulator.speakers import OLLAMA, lines


async def test_an_answer_has_the_vendors_shape_and_no_price(client: Client) -> None:
    answer = (await OLLAMA.ask(client, model="llama3.2")).json()
    assert answer["model"] == "llama3.2"
    assert set(answer["message"]) == {"role", "content"}
    assert (answer["done"], answer["done_reason"]) == (True, "stop")
    spent = answer["load_duration"] + answer["prompt_eval_duration"] + answer["eval_duration"]
    assert answer["total_duration"] == spent > 10**6
    entry = await client.entry()
    assert (entry["billed_nano_dollars"], entry["completion_tokens"]) == (0, answer["eval_count"])
    assert (await client.bill())["models"]["llama3.2"]["listed"]


async def test_it_streams_lines_unless_told_not_to(client: Client) -> None:
    body = {"model": "llama3.2", "messages": [{"role": "user", "content": "hi"}]}
    response = await client.http.post(OLLAMA.path, json=body)
    assert response.headers["content-type"] == "application/x-ndjson"
    *parts, last = lines(response.text)
    assert all(part["done"] is False for part in parts)
    assert (last["done"], last["message"]["content"]) == (True, "")
    assert last["eval_count"] > 0


async def test_thinking_comes_apart_from_the_answer_and_is_counted_with_it(client: Client) -> None:
    thought = (await OLLAMA.ask(client)).json()
    plain = (await OLLAMA.ask(client, think=False)).json()
    assert thought["message"]["thinking"]
    assert "thinking" not in plain["message"]
    assert thought["message"]["content"] == plain["message"]["content"]
    assert thought["eval_count"] > plain["eval_count"]
    first = lines((await OLLAMA.ask(client, stream=True)).text)[0]
    assert (first["message"]["content"], first["done"]) == ("", False)
    assert first["message"]["thinking"]


async def test_a_limit_cuts_the_answer(client: Client) -> None:
    answer = (await OLLAMA.ask(client, model="llama3.2", options={"num_predict": 7})).json()
    assert (answer["done_reason"], answer["eval_count"]) == ("length", 7)
    whole = (await OLLAMA.ask(client, model="llama3.2", options={"num_predict": -1})).json()
    assert whole["done_reason"] == "stop"


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        ("404", 404, "model 'qwen3:8b' not found"),
        ("429", 429, "too many requests"),
        ("quota", 429, "usage limit"),
        ("500", 500, "llama runner"),
        ("503", 503, "server busy"),
        ("529", 503, "server busy"),
        ("context_too_long", 400, "context length"),
    ],
)
async def test_an_error_is_one_sentence(client: Client, fault: str, status: int, said: str) -> None:
    response = await OLLAMA.ask(client, fault=f"fault={fault}")
    assert response.status_code == status
    assert set(response.json()) == {"error"}
    assert said in response.json()["error"]
    assert (await client.entry())["outcome"] == f"error:{status}"


async def test_an_error_in_the_stream_is_a_line(client: Client) -> None:
    response = await OLLAMA.ask(client, stream=True, fault="fault=overloaded_in_stream")
    assert response.status_code == 200
    assert set(lines(response.text)[-1]) == {"error"}


@pytest.mark.parametrize(
    "fields", [{"messages": []}, {"messages": [{"role": "wizard", "content": "x"}]}, {"model": ""}]
)
async def test_a_request_that_means_nothing_is_400(client: Client, fields: dict[str, Any]) -> None:
    assert (await OLLAMA.ask(client, **fields)).status_code == 400


async def test_no_key_is_needed_and_a_wrong_one_is_refused(client: Client) -> None:
    assert (await OLLAMA.ask(client, headers={"authorization": "Bearer mine"})).status_code == 200
    wrong = await OLLAMA.ask(client, headers={"authorization": "Bearer bad"})
    assert (wrong.status_code, wrong.json()) == (401, {"error": "unauthorized"})


async def test_json_may_be_asked_for_without_a_schema(client: Client) -> None:
    answer = (await OLLAMA.ask(client, format="json")).json()
    assert answer["message"]["content"].startswith('{"answer":')


async def test_models_are_listed(client: Client) -> None:
    listed = (await client.http.get("/ollama/api/tags")).json()["models"]
    assert "qwen3:8b" in [model["name"] for model in listed]
