"""OpenAI's embeddings as its own clients use them."""

import base64
import math
import struct
from typing import Any

import httpx
import pytest

from tests.integration.simulator.conftest import Client

PATH = "/openai/v1/embeddings"


async def embed(client: Client, given: Any, *, fault: str = "", **fields: Any) -> httpx.Response:
    headers = {"authorization": "Bearer sk-any", "x-client-request-id": "call-1"}
    if fault:
        headers["x-simulator"] = fault
    body = {"model": "text-embedding-3-small", "input": given} | fields
    return await client.http.post(PATH, json=body, headers=headers)


def likeness(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_a_text_becomes_a_vector_of_length_one_and_is_billed(client: Client) -> None:
    answer = (await embed(client, "how do I sort a list")).json()
    assert (answer["object"], answer["model"]) == ("list", "text-embedding-3-small")
    (one,) = answer["data"]
    assert (one["object"], one["index"], len(one["embedding"])) == ("embedding", 0, 1_536)
    assert math.isclose(likeness(one["embedding"], one["embedding"]), 1.0, rel_tol=1e-9)
    assert answer["usage"] == {"prompt_tokens": 5, "total_tokens": 5}
    entry = await client.entry()
    assert (entry["wire"], entry["prompt_tokens"], entry["completion_tokens"]) == ("openai_embeddings", 5, 0)
    assert entry["billed_nano_dollars"] == 5 * 20


async def test_the_same_text_is_the_same_vector_and_shared_words_bring_texts_near(client: Client) -> None:
    texts = ["sort a list in python", "sort a list in python", "sort a tuple in python", "bake bread"]
    vectors = [one["embedding"] for one in (await embed(client, texts)).json()["data"]]
    assert vectors[0] == vectors[1]
    assert likeness(vectors[0], vectors[2]) > 0.5 > likeness(vectors[0], vectors[3])


async def test_floats_may_come_packed(client: Client) -> None:
    plain = (await embed(client, "one two")).json()["data"][0]["embedding"]
    packed = (await embed(client, "one two", encoding_format="base64")).json()["data"][0]["embedding"]
    floats = struct.unpack(f"<{len(plain)}f", base64.b64decode(packed))
    assert all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(plain, floats, strict=True))


async def test_fewer_dimensions_may_be_asked_for_and_not_more(client: Client) -> None:
    assert len((await embed(client, "x", dimensions=256)).json()["data"][0]["embedding"]) == 256
    large = await embed(client, "x", model="text-embedding-3-large")
    assert len(large.json()["data"][0]["embedding"]) == 3_072
    refused = await embed(client, "x", dimensions=2_000)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "dimensions")


async def test_tokens_may_be_given_in_place_of_texts(client: Client) -> None:
    assert (await embed(client, [1, 2, 3])).json()["usage"]["prompt_tokens"] == 3
    assert len((await embed(client, [[1, 2], [3]])).json()["data"]) == 2


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("", "invalid_value"),
        ([], "invalid_value"),
        (["x", ""], "invalid_value"),
        (["x"] * 2_049, "invalid_value"),
        ("x" * 40_000, "context_length_exceeded"),
    ],
    ids=["empty", "none", "one_empty", "too_many", "too_long"],
)
async def test_input_the_vendor_would_refuse_is_refused(client: Client, given: Any, code: str) -> None:
    response = await embed(client, given)
    assert (response.status_code, response.json()["error"]["code"]) == (400, code)


@pytest.mark.parametrize(("fault", "status"), [("429", 429), ("500", 500), ("404", 404)])
async def test_faults_meet_it_as_they_meet_answers(client: Client, fault: str, status: int) -> None:
    assert (await embed(client, "x", fault=f"fault={fault}")).status_code == status
