"""Ollama's own chat, one JSON text a line.

Unasked, Ollama cuts a prompt that is larger than its context without a word, so each request asks for a
context that holds prompt and answer. An error may come as a line inside a 200; a full queue is a 503.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from orchestrator.catalogue import tokens as estimates
from schemas.calls import Usage
from schemas.errors import Category, Failure
from workers.framing import Framing, JsonLines, WholeBody
from workers.providers.base import (
    OUTPUT_LIMIT,
    Ask,
    Reply,
    WireFormat,
    WireRequest,
    by_status,
    error_body,
    hinted,
    inside,
    packed,
    parsed,
    post,
    said,
    short,
    text,
    tokens,
)

SMALLEST_CONTEXT: Final = 4_096
_BUSY: Final = re.compile(r"server busy|maximum pending requests", re.IGNORECASE)
_TOO_LONG: Final = re.compile(r"exceeds? (?:the )?(?:available )?context", re.IGNORECASE)
_UNKNOWN_MODEL: Final = re.compile(r"model .*not found", re.IGNORECASE | re.DOTALL)


class Ollama(WireFormat):
    """`POST {base_url}/api/chat`, always streamed."""

    framing: type[Framing] = JsonLines

    def request(self, ask: Ask, credential: str | None, call_id: str) -> WireRequest:
        """The streamed request, with room for prompt and answer."""
        options: dict[str, Any] = {"num_predict": ask.max_output_tokens, "num_ctx": room(ask)}
        if ask.temperature_taken is not None:
            options["temperature"] = ask.temperature_taken
        body: dict[str, Any] = {
            "model": ask.model,
            "messages": [{"role": message.role, "content": message.content} for message in ask.messages],
            "stream": True,
            "options": options,
        }
        if ask.schema is not None:
            body["format"] = ask.schema
        return post(ask, credential, call_id, "/api/chat", body, accept=JsonLines.content_type)

    def feed(self, reply: Reply, data: bytes) -> bool:
        """Take in one line."""
        line = parsed(data)
        if line.get("error"):
            reply.failure = _failure(None, line["error"], None)
            return True
        reply.model = short(line, "model") or reply.model
        message = inside(line, "message")
        piece = text(message.get("content"))
        if piece:
            reply.parts.append(piece)
        if line.get("done") is True:
            _finish(reply, line)
            return True
        return bool(piece or message.get("thinking"))

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """The error's words where there are some, else the status alone."""
        told = error_body(body)
        return _failure(status, told.get("error") if isinstance(told, dict) else None, hinted(headers))


class OllamaEmbeddings(Ollama):
    """`POST {base_url}/api/embed`; a text that is too long is an error and is not cut."""

    framing: type[Framing] = WholeBody

    def request(self, ask: Ask, credential: str | None, call_id: str) -> WireRequest:
        """The request for one vector a text."""
        body: dict[str, Any] = {"model": ask.model, "input": list(ask.inputs), "truncate": False}
        if ask.dimensions is not None:
            body["dimensions"] = ask.dimensions
        return post(ask, credential, call_id, "/api/embed", body, accept=WholeBody.content_type)

    def feed(self, reply: Reply, data: bytes) -> bool:
        """Take in the whole answer."""
        told = parsed(data)
        if told.get("error"):
            reply.failure = _failure(None, told["error"], None)
            return True
        reply.model = short(told, "model")
        reply.parts.append(packed(told.get("embeddings")))
        _finish(reply, told)
        return True


def room(ask: Ask) -> int:
    """The context to ask for: a power of two, so that a model is seldom loaded anew for another size."""
    needed = sum(estimates.estimate(message.content) for message in ask.messages) + ask.max_output_tokens
    return max(SMALLEST_CONTEXT, 1 << (needed - 1).bit_length())


def _finish(reply: Reply, line: dict[str, Any]) -> None:
    reply.finished = True
    counted = ("prompt_eval_count", "eval_count")
    if line.keys() & set(counted):
        reply.raw_usage = {key: value for key, value in line.items() if key.endswith(("_count", "_duration"))}
        input_, output = (tokens(line, key) for key in counted)
        reply.usage = Usage(input_tokens=input_, output_tokens=output)
    if line.get("done_reason") == "length":
        reply.failure = OUTPUT_LIMIT


def _failure(status: int | None, error: Any, hint: float | None) -> Failure:
    told = error.get("message") if isinstance(error, dict) else error
    return Failure(
        category=_category(status, str(told), hint),
        message=said(told, status),
        http_status=status,
        retry_after=hint,
    )


def _category(status: int | None, words: str, hint: float | None) -> Category:
    if _BUSY.search(words):
        return Category.OVERLOADED
    if _TOO_LONG.search(words):
        return Category.CONTEXT_TOO_LONG
    if status is None:
        return Category.MODEL_NOT_FOUND if _UNKNOWN_MODEL.search(words) else Category.SERVER_ERROR
    return by_status(status, hint)
