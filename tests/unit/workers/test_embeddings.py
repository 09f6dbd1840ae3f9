"""Vectors: how each vendor is asked for them, and that all come to the same text."""

import base64
import struct
from typing import Any

import pytest

from orchestrator.catalogue.embeddings import embeds, models_of
from schemas.calls import Usage
from schemas.embeddings import EmbedContext, EmbedResult
from schemas.errors import Category
from schemas.providers import ProviderOptions, Vendor, Wire
from tests.unit.workers import wires
from workers.framing import WholeBody
from workers.providers import EMBEDDINGS, wire_for
from workers.providers.base import Ask, Malformed
from workers.verify.embeddings import verify_embeddings
from workers.verify.verdict import Accepted, Rejected

VECTORS = [[0.5, -1.0], [0.25, 2.0]]
PACKED = [base64.b64encode(struct.pack("<2f", *vector)).decode() for vector in VECTORS]


def ask(wire: Wire, vendor: Vendor, inputs: int = 2, dimensions: int | None = None) -> Ask:
    provider = wires.ask(wire, vendor, "m").provider
    return Ask(provider, "m", (), 0, None, None, ("text",) * inputs, dimensions)


OPENAI = {
    "data": [{"index": 1, "embedding": PACKED[1]}, {"index": 0, "embedding": VECTORS[0]}],
    "model": "m-1",
}
ANSWERS: dict[Wire, tuple[Vendor, dict[str, Any], dict[str, Any], Usage]] = {
    Wire.OPENAI_CHAT: (
        Vendor.OPENAI,
        {"model": "m", "input": ["text", "text"], "encoding_format": "base64", "dimensions": 2},
        {**OPENAI, "usage": {"prompt_tokens": 7, "total_tokens": 7}},
        Usage(input_tokens=7),
    ),
    Wire.GEMINI: (
        Vendor.GOOGLE,
        {
            "requests": [
                {"model": "models/m", "content": {"parts": [{"text": "text"}]}, "outputDimensionality": 2}
            ]
            * 2
        },
        {"embeddings": [{"values": vector} for vector in VECTORS], "usageMetadata": {"promptTokenCount": 7}},
        Usage(input_tokens=7),
    ),
    Wire.OLLAMA: (
        Vendor.OLLAMA,
        {"model": "m", "input": ["text", "text"], "truncate": False, "dimensions": 2},
        {"model": "m-1", "embeddings": VECTORS, "prompt_eval_count": 7},
        Usage(input_tokens=7),
    ),
}


@pytest.mark.parametrize("wire", ANSWERS)
def test_every_vendor_is_asked_its_own_way_and_answers_the_same(wire: Wire) -> None:
    vendor, asked, answer, usage = ANSWERS[wire]
    given = ask(wire, vendor, dimensions=2)
    assert wires.sent(wire_for(given), given) == asked
    reply = wires.fed(wire_for(given), answer)
    assert wire_for(given).closed(reply) is None
    assert reply.usage == usage
    verdict = verify_embeddings(EmbedContext(inputs=["a", "b"], dimensions=2), reply.text)
    assert verdict == Accepted(EmbedResult(model=None, dimensions=2, vectors=PACKED))


@pytest.mark.parametrize("wire", EMBEDDINGS)
def test_an_error_in_the_answer_is_one(wire: Wire) -> None:
    reply = wires.fed(EMBEDDINGS[wire], {"error": {"message": "no"}})
    failure = EMBEDDINGS[wire].closed(reply)
    assert failure is not None
    assert failure.category is Category.SERVER_ERROR


def test_other_servers_are_asked_for_numbers_and_mistral_by_its_own_word() -> None:
    mistral = ask(Wire.OPENAI_CHAT, Vendor.MISTRAL, dimensions=2)
    assert wires.sent(wire_for(mistral), mistral).keys() == {"model", "input", "output_dimension"}


def test_what_no_wire_can_ask_for_is_refused() -> None:
    with pytest.raises(ValueError, match="no embeddings on the wire"):
        wire_for(ask(Wire.ANTHROPIC_MESSAGES, Vendor.ANTHROPIC))
    many = ask(Wire.GEMINI, Vendor.GOOGLE, inputs=101)
    with pytest.raises(ValueError, match="at most 100"):
        wire_for(many).request(many, None, "call-1")


@pytest.mark.parametrize(
    "answer",
    [
        "nothing",
        "[]",
        "[1, 2]",
        f'["{PACKED[0]}"]',
        f'["{PACKED[0]}", "AAAA"]',
        f'["{PACKED[0]}", "{base64.b64encode(struct.pack("<3f", 1, 2, 3)).decode()}"]',
        f'["{PACKED[0]}", "{base64.b64encode(struct.pack("<2f", 1, float("nan"))).decode()}"]',
    ],
)
def test_vectors_that_nobody_could_use_are_refused(answer: str) -> None:
    assert isinstance(verify_embeddings(EmbedContext(inputs=["a", "b"]), answer), Rejected)


def test_the_body_is_one_piece_at_its_end() -> None:
    framing = WholeBody()
    assert [*framing.take(b"{"), *framing.take(b"}")] == []
    assert list(framing.end()) == [b"{}"]


def test_who_serves_which_model_is_known() -> None:
    openai = wires.ask(Wire.OPENAI_CHAT, Vendor.OPENAI, "gpt-5-mini").provider
    assert models_of(openai)[0] == "text-embedding-3-small"
    assert embeds(openai, "text-embedding-3-large")
    assert not embeds(openai, "mistral-embed")
    own = wires.ask(Wire.OPENAI_CHAT, Vendor.CUSTOM, "m").provider
    assert models_of(own) == ()
    named = own.model_copy(update={"options": ProviderOptions(embedding_model="bge-m3")})
    assert models_of(named) == ("bge-m3",)
    assert models_of(wires.ask(Wire.ANTHROPIC_MESSAGES, Vendor.ANTHROPIC, "m").provider) == ()


@pytest.mark.parametrize(
    ("wire", "told", "where"),
    [
        (Wire.OPENAI_CHAT, {"model": "x"}, "list of vectors"),
        (Wire.OPENAI_CHAT, {"data": [{"index": 0}]}, "vector"),
        (Wire.OPENAI_CHAT, {"data": ["x"]}, "data must be a list of objects"),
        (Wire.OPENAI_CHAT, {"data": [{"embedding": [1], "index": 2**63}]}, "index"),
        (Wire.GEMINI, {"x": 1}, "list of vectors"),
        (Wire.GEMINI, {"embeddings": [{}]}, "vector"),
        (Wire.GEMINI, {"embeddings": {"values": [1]}}, "embeddings must be a list of objects"),
        (Wire.OLLAMA, {"model": "x"}, "list of vectors"),
        (Wire.OLLAMA, {"embeddings": [["x"]]}, "vector"),
    ],
)
def test_an_odd_answer_is_malformed_and_says_where(wire: Wire, told: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed, match=where):
        wires.fed(EMBEDDINGS[wire], told)
