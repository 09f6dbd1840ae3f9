"""A declared format: requests from a template, answers by paths. Nothing of it is run.

Counts are final with the reason to finish or after it, and not before: what a stream had counted when it
broke off is less than what is billed. A reason to finish that was not declared is no answer.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from schemas.calls import Usage
from schemas.custom import PLACEHOLDER, CustomFormat, Meaning, Streaming
from schemas.errors import Category, Failure
from workers.framing import Framing, JsonLines, ServerSentEvents, WholeBody
from workers.providers.base import (
    FILTERED,
    OUTPUT_LIMIT,
    REFUSED,
    WINDOW_FULL,
    Ask,
    Reply,
    WireFormat,
    WireRequest,
    by_status,
    counted,
    error_body,
    hinted,
    parsed,
    post,
    said,
    text,
)

_FRAMINGS: Final[dict[Streaming, type[Framing]]] = {
    Streaming.NONE: WholeBody,
    Streaming.EVENTS: ServerSentEvents,
    Streaming.LINES: JsonLines,
}
_BY_MEANING: Final[dict[Meaning, Failure]] = {
    Meaning.OUTPUT_LIMIT: OUTPUT_LIMIT,
    Meaning.CONTENT_FILTERED: FILTERED,
    Meaning.CONTEXT_TOO_LONG: WINDOW_FULL,
    Meaning.SERVER_ERROR: Failure(
        category=Category.SERVER_ERROR, message="The provider broke the answer off."
    ),
    Meaning.OVERLOADED: Failure(
        category=Category.OVERLOADED, message="The provider broke the answer off: it is overloaded."
    ),
}
_COUNTED: Final = (
    "input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens",
)  # fmt: skip
_STEP: Final = re.compile(r"[^.\[\]]+|\[(?:\d+|\*)\]")
_ABSENT: Final = object()


class Custom(WireFormat):
    """What a provider's `options.custom` declares."""

    def __init__(self, declared: CustomFormat) -> None:
        self._format = declared
        self.framing = _FRAMINGS[declared.stream]
        self.request_id_headers = (declared.request_id_header.lower(),) if declared.request_id_header else ()

    def request(self, ask: Ask, credential: str | None, call_id: str) -> WireRequest:
        """The request; what the call doesn't have is left out of the body."""
        declared = self._format
        ask = ask if declared.takes_schema else ask.told_its_schema
        values = {
            "model": ask.model,
            "messages": [self._message(message.role, message.content) for message in ask.messages],
            "turns": [self._message(message.role, message.content) for message in ask.turns],
            "system": ask.system or None,
            "prompt": "\n\n".join(message.content for message in ask.messages),
            "max_tokens": ask.max_output_tokens,
            "temperature": ask.temperature_taken,
            "schema": ask.schema,
        }
        path = PLACEHOLDER.sub(lambda _: quote(ask.model, safe=""), declared.paths.completion)
        body = _filled(declared.body, values)
        return post(ask, credential, call_id, path, body, accept=self.framing.content_type)

    def feed(self, reply: Reply, data: bytes) -> bool:
        """Take in one piece, or the whole of an answer that isn't streamed."""
        if data.strip() == self._format.end.encode():
            return False
        piece, paths = parsed(data), self._format.answer
        failure = self._failure_in(piece, None, None)
        if failure is not None:
            reply.failure = failure
            return True
        reply.model = _short(piece, paths.model) or reply.model
        reply.request_id = reply.request_id or _short(piece, paths.request_id)
        parts = [text(found) for found in _found(piece, paths.text)]
        reply.parts.extend(filter(None, parts))
        if any(_found(piece, paths.refusal)):
            reply.failure = REFUSED
        finished = self._finish(reply, piece)
        self._count(reply, piece)
        return any(parts) or finished or any(_found(piece, paths.thinking)) or reply.failure is REFUSED

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """By the code or the words that were declared, else by the status alone."""
        told = error_body(body)
        told = told[0] if isinstance(told, list) and told else told
        hint = hinted(headers)
        found = self._failure_in(told, status, hint)
        return found or Failure(
            category=by_status(status, hint), message=said(None, status), http_status=status, retry_after=hint
        )

    def _message(self, role: str, content: str) -> Any:
        named = self._format.roles.get(role, role)
        return _filled(self._format.message, {"role": named, "content": content})

    def _finish(self, reply: Reply, piece: Mapping[str, Any]) -> bool:
        if self._format.answer.finish_reason is None:
            reply.finished = True
            return True
        reason = next((each for each in _found(piece, self._format.answer.finish_reason) if each), None)
        if reason is None:
            return False
        reply.finished = True
        meaning = self._format.finish.get(str(reason))
        if meaning is None:
            message = (
                f"The answer ended with {str(reason)[:100]!r}, which options.custom.finish doesn't name."
            )
            reply.failure = Failure(category=Category.MALFORMED, message=message)
        else:
            reply.failure = _BY_MEANING.get(meaning, reply.failure)
        return True

    def _count(self, reply: Reply, piece: Mapping[str, Any]) -> None:
        counts = {
            name: counted(name, sum(found))
            for name in _COUNTED
            if (
                found := [
                    counted(name, n)
                    for path in getattr(self._format.answer, name)
                    for n in _found(piece, path)
                ]
            )
        }
        if not counts:
            return
        reply.raw_usage = {**(reply.raw_usage or {}), **counts}
        if reply.finished and {"input_tokens", "output_tokens"} <= counts.keys():
            reply.usage = Usage(**counts)

    def _failure_in(self, told: Any, status: int | None, hint: float | None) -> Failure | None:
        """The failure that an error object tells; None where there is none."""
        paths = self._format.errors
        codes = [code for path in paths.code if (code := _short(told, path))]
        message = _short(told, paths.message)
        if not codes and message is None:
            return None
        named = (paths.codes[code] for code in codes if code in paths.codes)
        words = (fault for part, fault in paths.words.items() if part in (message or ""))
        fault = next(named, None) or next(words, None)
        usual = Category.SERVER_ERROR if status is None else by_status(status, hint)
        return Failure(
            category=Category(fault) if fault else usual,
            message=said(message, status),
            http_status=status,
            code=codes[0] if codes else None,
            retry_after=hint,
        )


def found_in(body: bytes, path: str) -> list[Any]:
    """What a path leads to in a body; nothing where that is no JSON."""
    return _found(error_body(body), path)


def _filled(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with its placeholders replaced; what has no value is left out with its key."""
    if isinstance(template, str):
        alone = PLACEHOLDER.fullmatch(template.strip())
        if alone:
            value = values[alone[1]]
            return _ABSENT if value is None else value
        return PLACEHOLDER.sub(lambda found: _worded(values[found[1]]), template)
    if isinstance(template, dict):
        filled = {name: _filled(each, values) for name, each in template.items()}
        return {name: each for name, each in filled.items() if each is not _ABSENT}
    if isinstance(template, list):
        return [each for each in (_filled(one, values) for one in template) if each is not _ABSENT]
    return template


def _worded(value: Any) -> str:
    return "" if value is None else str(value)


def _found(value: Any, path: str | None) -> list[Any]:
    """What a path leads to: nothing, one thing, or with `[*]` several."""
    if path is None:
        return []
    found = [value]
    for step in _steps(path):
        found = [inner for each in found for inner in _inner(each, step)]
    return [each for each in found if each is not None]


def _inner(value: Any, step: str | int | None) -> list[Any]:
    if isinstance(step, str):
        return [value[step]] if isinstance(value, dict) and step in value else []
    if not isinstance(value, list):
        return []
    return value if step is None else value[step : step + 1]


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[str | int | None, ...]:
    """A name, a place in a list, or None for each of its places."""
    steps = _STEP.findall(path)
    return tuple(
        step if not step.startswith("[") else None if step == "[*]" else int(step[1:-1]) for step in steps
    )


def _short(value: Any, path: str | None) -> str | None:
    told = next((each for each in _found(value, path) if each), None)
    return str(told)[:200] if isinstance(told, str | int) else None
