"""OpenAI's chat completions, as OpenAI and every compatible server speak them.

`prompt_tokens` includes cached ones and `completion_tokens` includes reasoning, except where the total
shows that it doesn't (xAI). A stream without a finish reason is a failure, not an answer.
"""

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from orchestrator.catalogue.vendors import FACTS
from schemas.calls import NANOS_PER_DOLLAR, Usage
from schemas.errors import Category, Failure
from schemas.providers import Vendor
from schemas.structured import is_strict
from workers.framing import Framing, WholeBody
from workers.providers.base import (
    FILTERED,
    OUTPUT_LIMIT,
    REFUSED,
    USUAL_TIER,
    WINDOW_FULL,
    Ask,
    Reply,
    WireFormat,
    WireRequest,
    inside,
    listed,
    packed,
    parsed,
    post,
    short,
    text,
    tokens,
)
from workers.providers.openai_errors import failure_of, refusal

_DONE: Final = b"[DONE]"
_PACKS: Final = frozenset({Vendor.OPENAI, Vendor.AZURE})
_MOST_CHARGE: Final = 10**15
"""A charge of a million dollars for one call is no charge, in nano-dollars."""
_BY_FINISH: Final[dict[str, Failure]] = {
    "length": OUTPUT_LIMIT,
    "content_filter": FILTERED,
    "model_length": WINDOW_FULL,
    "error": Failure(category=Category.SERVER_ERROR, message="The provider broke the answer off."),
    "insufficient_system_resource": Failure(
        category=Category.OVERLOADED, message="The provider ran out of resources while it answered."
    ),
}


class OpenAIChat(WireFormat):
    """`POST {base_url}/chat/completions`, always streamed."""

    request_id_headers: tuple[str, ...] = ("x-request-id", "apim-request-id")

    def request(self, ask: Ask, credential: str | None, call_id: str) -> WireRequest:
        """The streamed request; our call id travels as `X-Client-Request-Id`."""
        facts = FACTS[ask.provider.vendor]
        schema = ask.schema
        if not facts.takes_json_schema:
            ask = ask.told_its_schema
        body: dict[str, Any] = {
            "model": ask.model,
            "messages": [{"role": message.role, "content": message.content} for message in ask.messages],
            "stream": True,
            facts.limit_field: ask.max_output_tokens,
        }
        if facts.takes_stream_options:
            body["stream_options"] = {"include_usage": True}
        if ask.temperature_taken is not None:
            body["temperature"] = ask.temperature_taken
        if facts.takes_tier:
            # Left out, the vendor's project decides, and may choose one that is dearer than what is held.
            body["service_tier"] = ask.tier or USUAL_TIER
        if schema is not None:
            named = {"name": "answer", "schema": schema, "strict": is_strict(schema)}
            fits = {"type": "json_schema", "json_schema": named}
            body["response_format"] = fits if facts.takes_json_schema else {"type": "json_object"}
        return post(ask, credential, call_id, "/chat/completions", body)

    def feed(self, reply: Reply, data: bytes) -> bool:
        """Take in one chunk; an `error` object inside the stream ends it as a failure."""
        if data == _DONE:
            return False
        chunk = parsed(data)
        if chunk.get("error"):
            reply.failure = failure_of(None, chunk["error"], None)
            return True
        reply.model = short(chunk, "model") or reply.model
        reply.tier = short(chunk, "service_tier") or reply.tier
        moved = [_take_choice(reply, choice) for choice in listed(chunk, "choices")]
        if chunk.get("usage"):
            _count(reply, inside(chunk, "usage"))
        return any(moved)

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """The error object where there is one, else the status alone."""
        return refusal(status, headers, body)


class OpenAIEmbeddings(OpenAIChat):
    """`POST {base_url}/embeddings`. Vectors come packed from who is known to pack them, else as numbers."""

    framing: type[Framing] = WholeBody

    def request(self, ask: Ask, credential: str | None, call_id: str) -> WireRequest:
        """The request for one vector a text."""
        body: dict[str, Any] = {"model": ask.model, "input": list(ask.inputs)}
        if ask.provider.vendor in _PACKS:
            body["encoding_format"] = "base64"
        if ask.dimensions is not None:
            mistral = ask.provider.vendor is Vendor.MISTRAL
            body["output_dimension" if mistral else "dimensions"] = ask.dimensions
        return post(ask, credential, call_id, "/embeddings", body, accept=WholeBody.content_type)

    def feed(self, reply: Reply, data: bytes) -> bool:
        """Take in the whole answer."""
        told = parsed(data)
        if told.get("error"):
            reply.failure = failure_of(None, told["error"], None)
            return True
        reply.model = short(told, "model")
        rows = sorted(listed(told, "data"), key=lambda row: tokens(row, "index"))
        reply.parts.append(packed([row.get("embedding") for row in rows]))
        reply.finished = True
        if told.get("usage"):
            _count(reply, inside(told, "usage"))
        return True


def _take_choice(reply: Reply, choice: dict[str, Any]) -> bool:
    delta = inside(choice, "delta")
    content = text(delta.get("content"))
    if content:
        reply.parts.append(content)
    if delta.get("refusal"):
        reply.failure = REFUSED
    finish = text(choice.get("finish_reason"), "finish_reason")
    if finish:
        reply.finished = True
        reply.failure = _BY_FINISH.get(finish, reply.failure)
    thought = delta.get("reasoning_content") or delta.get("reasoning")
    return bool(content or thought or finish or delta.get("refusal"))


def _count(reply: Reply, counts: dict[str, Any]) -> None:
    """Some servers count in every chunk: what was counted before the finish reason is not all."""
    reply.raw_usage = counts
    if reply.finished:
        reply.usage = _usage(counts)
        reply.charged_nanos = _charge(counts)


def _usage(raw: dict[str, Any]) -> Usage:
    prompt = inside(raw, "prompt_tokens_details")
    completion = inside(raw, "completion_tokens_details")
    input_, output = tokens(raw, "prompt_tokens"), tokens(raw, "completion_tokens")
    reasoning = tokens(completion, "reasoning_tokens")
    if reasoning and tokens(raw, "total_tokens") == input_ + output + reasoning:
        output += reasoning
    return Usage(
        input_tokens=input_,
        cached_tokens=tokens(prompt, "cached_tokens") or tokens(raw, "prompt_cache_hit_tokens"),
        cache_write_tokens=tokens(prompt, "cache_write_tokens"),
        output_tokens=output,
        reasoning_tokens=reasoning,
    )


def _charge(raw: dict[str, Any]) -> int | None:
    """What a router says it charged; with a key of one's own also what the model's vendor charges on it."""
    dollars = [raw.get("cost")]
    if raw.get("is_byok") is True:
        dollars.append(inside(raw, "cost_details").get("upstream_inference_cost"))
    if any(isinstance(each, bool) or not isinstance(each, int | float) or each < 0 for each in dollars):
        return None
    nanos = sum((Decimal(repr(each)) for each in dollars), Decimal(0)) * NANOS_PER_DOLLAR
    return int(nanos.to_integral_value(ROUND_CEILING)) if nanos < _MOST_CHARGE else None
