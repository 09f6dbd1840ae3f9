"""A streamed answer costs what the same answer costs unstreamed, as the price library itself reads that."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

import genai_prices
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.catalogue import prices
from orchestrator.catalogue.vendors import FACTS
from schemas.calls import Usage
from schemas.providers import Vendor, Wire
from tests.unit.workers import wires
from workers.providers import WIRES

NOW = datetime(2026, 11, 20, tzinfo=UTC)
COUNTS = st.integers(0, 150_000)


@dataclass(frozen=True)
class Counts:
    """Tokens, each counted once and in no other."""

    fresh: int
    cached: int
    written: int
    kept_an_hour: int
    visible: int
    reasoning: int

    @property
    def input(self) -> int:
        return self.fresh + self.cached + self.written + self.kept_an_hour

    @property
    def output(self) -> int:
        return self.visible + self.reasoning


Events = list[dict[str, Any]]
Told = tuple[dict[str, Any], Events]
"""The body of the answer unstreamed, and the events of it streamed."""


def chat(model: str, counts: Counts) -> Told:
    usage = {
        "prompt_tokens": counts.input,
        "prompt_tokens_details": {
            "cached_tokens": counts.cached,
            "cache_write_tokens": counts.written + counts.kept_an_hour,
        },
        "completion_tokens": counts.output,
        "completion_tokens_details": {"reasoning_tokens": counts.reasoning},
        "total_tokens": counts.input + counts.output,
    }
    finish: dict[str, Any] = {
        "model": model,
        "choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}],
    }
    return {"model": model, "usage": usage}, [finish, {"model": model, "choices": [], "usage": usage}]


def grok(model: str, counts: Counts) -> Told:
    body, (finish, last) = chat(model, counts)
    body["usage"]["completion_tokens"] = counts.visible
    return body, [finish, last]


def responses(model: str, counts: Counts) -> Told:
    usage = {
        "input_tokens": counts.input,
        "input_tokens_details": {
            "cached_tokens": counts.cached,
            "cache_write_tokens": counts.written + counts.kept_an_hour,
        },
        "output_tokens": counts.output,
        "output_tokens_details": {"reasoning_tokens": counts.reasoning},
    }
    body = {"model": model, "status": "completed", "usage": usage}
    return body, [
        {"type": "response.created", "response": {"model": model, "usage": None}},
        {"type": "response.completed", "response": body},
    ]


def messages(model: str, counts: Counts) -> Told:
    input_ = {
        "input_tokens": counts.fresh,
        "cache_read_input_tokens": counts.cached,
        "cache_creation_input_tokens": counts.written + counts.kept_an_hour,
        "cache_creation": {
            "ephemeral_5m_input_tokens": counts.written,
            "ephemeral_1h_input_tokens": counts.kept_an_hour,
        },
    }
    output = {"output_tokens": counts.output}
    half = {"output_tokens": counts.output // 2}
    return {"model": model, "usage": input_ | output}, [
        {"type": "message_start", "message": {"model": model, "usage": input_ | {"output_tokens": 1}}},
        {"type": "message_delta", "delta": {}, "usage": half},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": output},
    ]


def gemini(model: str, counts: Counts) -> Told:
    usage = {
        "promptTokenCount": counts.input,
        "cachedContentTokenCount": counts.cached,
        "candidatesTokenCount": counts.visible,
        "thoughtsTokenCount": counts.reasoning,
        "totalTokenCount": counts.input + counts.output,
    }
    early = {"promptTokenCount": counts.input, "candidatesTokenCount": counts.visible // 2}
    return {"modelVersion": model, "usageMetadata": usage}, [
        {"modelVersion": model, "usageMetadata": early},
        {"modelVersion": model, "candidates": [{"finishReason": "STOP"}], "usageMetadata": usage},
    ]


SPOKEN: list[tuple[Vendor, str, Wire, str, Callable[[str, Counts], Told]]] = [
    (Vendor.OPENAI, "gpt-5-mini-2025-08-07", Wire.OPENAI_CHAT, "chat", chat),
    (Vendor.OPENAI, "gpt-5.5", Wire.OPENAI_RESPONSES, "responses", responses),
    (Vendor.AZURE, "gpt-4o-2024-08-06", Wire.OPENAI_CHAT, "chat", chat),
    (Vendor.OPENROUTER, "openai/gpt-5-mini", Wire.OPENAI_CHAT, "chat", chat),
    (Vendor.GROQ, "openai/gpt-oss-120b", Wire.OPENAI_CHAT, "default", chat),
    (Vendor.MISTRAL, "mistral-medium-latest", Wire.OPENAI_CHAT, "default", chat),
    (Vendor.DEEPSEEK, "deepseek-chat", Wire.OPENAI_CHAT, "chat", chat),
    (Vendor.XAI, "grok-4.3", Wire.OPENAI_CHAT, "chat", grok),
    (Vendor.ANTHROPIC, "claude-sonnet-4-6", Wire.ANTHROPIC_MESSAGES, "default", messages),
    (Vendor.ANTHROPIC, "claude-haiku-5-5", Wire.ANTHROPIC_MESSAGES, "default", messages),
    (Vendor.GOOGLE, "gemini-2.5-pro", Wire.GEMINI, "default", gemini),
    (Vendor.GOOGLE, "gemini-3.5-flash", Wire.GEMINI, "default", gemini),
]


@pytest.mark.parametrize("spoken", SPOKEN, ids=lambda spoken: f"{spoken[0]}-{spoken[1]}")
@given(counts=st.builds(Counts, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS))
def test_a_stream_costs_what_the_same_answer_costs_unstreamed(
    spoken: tuple[Vendor, str, Wire, str, Callable[[str, Counts], Told]], counts: Counts
) -> None:
    vendor, model, wire, flavour, tell = spoken
    body, events = tell(model, counts)
    library = FACTS[vendor].prices
    assert library is not None
    read = genai_prices.extract_usage(body, provider_id=library, api_flavor=flavour)
    unstreamed = read.calc_price(genai_request_timestamp=NOW).total_price
    usage = wires.fed(WIRES[wire], *events).usage
    assert usage is not None
    streamed = prices.cost(vendor, model, None, usage, NOW)
    assert streamed.nanos == int((Decimal(unstreamed) * 10**9).to_integral_value(ROUND_CEILING))
    assert streamed.source == prices.SOURCE
    assert (usage.input_tokens, usage.output_tokens) == (counts.input, counts.output)


@given(st.sampled_from(SPOKEN), st.builds(Counts, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS))
def test_an_answer_of_a_model_that_nobody_knows_is_never_free(
    spoken: tuple[Vendor, str, Wire, str, Callable[[str, Counts], Told]], counts: Counts
) -> None:
    _, events = spoken[4]("nobody-knows-this", counts)
    usage = wires.fed(WIRES[spoken[2]], *events).usage or Usage()
    cost = prices.cost(spoken[0], "nobody-knows-this", None, usage, NOW)
    assert cost.estimated
    assert (cost.nanos > 0) is (counts.input + counts.output > 0)
