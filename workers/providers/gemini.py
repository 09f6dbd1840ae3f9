"""Google's Gemini, streamed by `streamGenerateContent`.

`candidatesTokenCount` leaves thoughts out and `promptTokenCount` includes what a cache had. Each chunk
counts what has come so far, so that usage is final with the finish reason and not before. A daily quota
comes with a retry hint of seconds: it is the quota that counts.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from schemas.calls import Usage
from schemas.errors import Category, Failure
from workers.framing import Framing, WholeBody
from workers.providers.base import (
    FILTERED,
    LONGEST_WAIT,
    OUTPUT_LIMIT,
    Ask,
    Reply,
    WireFormat,
    WireRequest,
    by_status,
    error_body,
    hinted,
    inside,
    listed,
    packed,
    parsed,
    post,
    said,
    short,
    text,
    tokens,
)

MOST_INPUTS: Final = 100
_ROLES: Final = {"user": "user", "assistant": "model"}
_UNSPECIFIED: Final = "FINISH_REASON_UNSPECIFIED"
_FILTERS: Final = frozenset(
    {
        "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
    }
)  # fmt: skip
_BY_STATE: Final[dict[str, Category]] = {
    "UNAUTHENTICATED": Category.UNAUTHORIZED,
    "PERMISSION_DENIED": Category.UNAUTHORIZED,
    "FAILED_PRECONDITION": Category.UNAUTHORIZED,
    "NOT_FOUND": Category.MODEL_NOT_FOUND,
    "INTERNAL": Category.SERVER_ERROR,
    "UNKNOWN": Category.SERVER_ERROR,
    "ABORTED": Category.SERVER_ERROR,
    "CANCELLED": Category.SERVER_ERROR,
    "DEADLINE_EXCEEDED": Category.SERVER_ERROR,
    "UNAVAILABLE": Category.OVERLOADED,
}
_TOO_LONG: Final = re.compile(r"(?:token count\b.*|payload size)\s*exceeds", re.IGNORECASE | re.DOTALL)
_DELAY: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")


class Gemini(WireFormat):
    """`POST {base_url}/models/{model}:streamGenerateContent?alt=sse`."""

    def request(self, ask: Ask, credential: str | None, call_id: str) -> WireRequest:
        """The streamed request; the model stands in the path, as one part of it whatever it is called."""
        generation: dict[str, Any] = {"maxOutputTokens": ask.max_output_tokens}
        if ask.temperature_taken is not None:
            generation["temperature"] = ask.temperature_taken
        if ask.schema is not None:
            generation |= {"responseMimeType": "application/json", "responseJsonSchema": ask.schema}
        body: dict[str, Any] = {
            "contents": [
                {"role": _ROLES[message.role], "parts": [{"text": message.content}]} for message in ask.turns
            ],
            "generationConfig": generation,
        }
        if ask.system:
            body["systemInstruction"] = {"parts": [{"text": ask.system}]}
        model = quote(ask.model.removeprefix("models/"), safe="")
        return post(ask, credential, call_id, f"/models/{model}:streamGenerateContent?alt=sse", body)

    def head(self, reply: Reply, headers: Mapping[str, str]) -> None:
        """Take in the headers; the tier that served stands among them."""
        super().head(reply, headers)
        tier = headers.get("x-gemini-service-tier")
        reply.tier = tier.lower()[:200] if tier else None

    def feed(self, reply: Reply, data: bytes) -> bool:
        """Take in one chunk."""
        chunk = parsed(data)
        if chunk.get("error"):
            reply.failure = _failure(None, chunk["error"], None)
            return True
        reply.model = short(chunk, "modelVersion") or reply.model
        reply.request_id = reply.request_id or short(chunk, "responseId")
        moved = [_take_candidate(reply, candidate) for candidate in listed(chunk, "candidates")]
        blocked = inside(chunk, "promptFeedback").get("blockReason")
        if blocked:
            reply.finished = True
            message = f"The provider's content filter refused the prompt ({str(blocked)[:100]})."
            reply.failure = Failure(category=Category.CONTENT_FILTERED, message=message)
        if chunk.get("usageMetadata"):
            _count(reply, inside(chunk, "usageMetadata"))
        return any(moved) or bool(blocked)

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """The error object where there is one, alone or in a list, else the status alone."""
        told = error_body(body)
        if isinstance(told, list):
            told = told[0] if told else None
        return _failure(status, told.get("error") if isinstance(told, dict) else None, hinted(headers))


class GeminiEmbeddings(Gemini):
    """`POST {base_url}/models/{model}:batchEmbedContents`, at most a hundred texts at a time."""

    framing: type[Framing] = WholeBody

    def request(self, ask: Ask, credential: str | None, call_id: str) -> WireRequest:
        """The request for one vector a text. Raises `ValueError` for too many texts."""
        if len(ask.inputs) > MOST_INPUTS:
            raise ValueError(f"Gemini takes at most {MOST_INPUTS} texts at a time: send several requests")
        name = ask.model.removeprefix("models/")
        chosen = {} if ask.dimensions is None else {"outputDimensionality": ask.dimensions}
        each = [
            {"model": f"models/{name}", "content": {"parts": [{"text": text}]}, **chosen}
            for text in ask.inputs
        ]
        path = f"/models/{quote(name, safe='')}:batchEmbedContents"
        return post(ask, credential, call_id, path, {"requests": each}, accept=WholeBody.content_type)

    def feed(self, reply: Reply, data: bytes) -> bool:
        """Take in the whole answer."""
        told = parsed(data)
        if told.get("error"):
            reply.failure = _failure(None, told["error"], None)
            return True
        reply.parts.append(packed([vector.get("values") for vector in listed(told, "embeddings")]))
        reply.finished = True
        if told.get("usageMetadata"):
            _count(reply, inside(told, "usageMetadata"))
        return True


def _take_candidate(reply: Reply, candidate: dict[str, Any]) -> bool:
    moved = False
    for part in listed(inside(candidate, "content"), "parts"):
        piece = text(part.get("text"))
        moved = moved or bool(piece)
        if piece and not part.get("thought"):
            reply.parts.append(piece)
    finish = candidate.get("finishReason")
    if finish and finish != _UNSPECIFIED:
        reply.finished = True
        reply.failure = _ended(str(finish), reply)
        moved = True
    return moved


def _ended(finish: str, reply: Reply) -> Failure | None:
    if finish == "STOP":
        return reply.failure
    if finish == "MAX_TOKENS":
        return OUTPUT_LIMIT
    if finish in _FILTERS:
        return FILTERED
    return Failure(category=Category.MALFORMED, message=f"The answer ended with {finish[:100]!r}.")


def _count(reply: Reply, counts: dict[str, Any]) -> None:
    reply.raw_usage = counts
    tier = short(counts, "serviceTier")
    reply.tier = tier.lower() if tier else reply.tier
    if reply.finished:
        reply.usage = _usage(counts)


def _usage(raw: dict[str, Any]) -> Usage:
    thoughts = tokens(raw, "thoughtsTokenCount")
    return Usage(
        input_tokens=tokens(raw, "promptTokenCount") + tokens(raw, "toolUsePromptTokenCount"),
        cached_tokens=tokens(raw, "cachedContentTokenCount"),
        output_tokens=tokens(raw, "candidatesTokenCount") + thoughts,
        reasoning_tokens=thoughts,
    )


def _failure(status: int | None, error: Any, hint: float | None) -> Failure:
    details = error if isinstance(error, dict) else {}
    more = details.get("details")
    facts = [fact for fact in more if isinstance(fact, dict)] if isinstance(more, list) else []
    delay = _delay(facts) if hint is None else hint
    state, message = short(details, "status"), str(details.get("message"))
    reasons = {fact.get("reason") for fact in facts if isinstance(fact.get("reason"), str)}
    code = status or (details["code"] if isinstance(details.get("code"), int) else 500)
    daily = _is_daily(facts)
    category = _category(code, state, message, delay)
    if "API_KEY_INVALID" in reasons or "API_KEY_EXPIRED" in reasons:
        category = Category.UNAUTHORIZED
    return Failure(
        category=Category.QUOTA_EXHAUSTED if daily else category,
        message=said(details.get("message"), code),
        http_status=status,
        code=state,
        retry_after=None if daily else delay,
    )


def _category(code: int, state: str | None, message: str, delay: float | None) -> Category:
    if code == 400 and _TOO_LONG.search(message):
        return Category.CONTEXT_TOO_LONG
    if code == 429 or state == "RESOURCE_EXHAUSTED":
        return by_status(429, delay)
    return _BY_STATE.get(state or "") or by_status(code, delay)


def _delay(facts: list[dict[str, Any]]) -> float | None:
    """The delay of `RetryInfo`, such as `36s`."""
    written = (_DELAY.fullmatch(str(fact.get("retryDelay"))) for fact in facts)
    seconds = [float(found[1]) for found in written if found]
    return next((each for each in seconds if each < LONGEST_WAIT), None)


def _is_daily(facts: list[dict[str, Any]]) -> bool:
    """Whether a `QuotaFailure` names a quota of a day."""
    told = [fact["violations"] for fact in facts if isinstance(fact.get("violations"), list)]
    violations = [violation for each in told for violation in each if isinstance(violation, dict)]
    return any("PerDay" in str(violation.get("quotaId")) for violation in violations)
