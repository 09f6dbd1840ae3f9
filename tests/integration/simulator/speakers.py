"""How a client of each wire asks, and where it finds the answer; plain HTTP, no vendor's library."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.integration.simulator.conftest import Client


def sse(raw: str) -> list[Any]:
    """The JSON of every server-sent event."""
    blocks = [block for block in raw.split("\n\n") if block]
    data = [block.split("data: ", 1)[1] for block in blocks]
    return [json.loads(one) for one in data if one != "[DONE]"]


def lines(raw: str) -> list[Any]:
    """The JSON of every line."""
    return [json.loads(line) for line in raw.splitlines() if line]


@dataclass(frozen=True)
class Counted:
    """Tokens as the bill counts them, whatever classes the vendor told them in."""

    prompt: int
    cached: int
    written: int
    completion: int
    reasoning: int | None


@dataclass(frozen=True)
class Speaker:
    """One wire as a client sees it."""

    name: str
    path: str
    model: str
    headers: dict[str, str]
    body: Callable[[str, str, bool], dict[str, Any]]
    said: Callable[[Any], str]
    streamed: Callable[[str], list[Any]]
    pieces: Callable[[list[Any]], str]
    last: Callable[[list[Any]], Any]
    counted: Callable[[Any], Counted]
    stream_path: str = ""
    fields: dict[str, Any] = field(default_factory=dict)

    async def ask(
        self,
        client: Client,
        prompt: str = "hello there",
        *,
        stream: bool = False,
        rules: str = "",
        fault: str = "",
        call: str = "call-1",
        account: str = "",
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> httpx.Response:
        """One request; `fields` are merged into the body."""
        path = (self.stream_path or self.path) if stream else self.path
        sent = (self.headers if headers is None else headers) | {"x-client-request-id": call}
        if fault:
            sent = sent | {"x-simulator": fault}
        body = self.body(prompt, rules, stream) | fields
        if "model" in body:
            body["model"] = fields.get("model", self.model)
        prefix = f"/accounts/{account}" if account else ""
        return await client.http.post(prefix + path, json=body, headers=sent)


def _openai_messages(text: str, system: str) -> list[dict[str, str]]:
    before = [{"role": "system", "content": system}] if system else []
    return [*before, {"role": "user", "content": text}]


def _chat_body(text: str, system: str, stream: bool) -> dict[str, Any]:
    options = {"stream_options": {"include_usage": True}} if stream else {}
    return {"model": "", "messages": _openai_messages(text, system), "stream": stream} | options


def _chat_counted(answer: Any) -> Counted:
    usage = answer["usage"]
    details = usage["prompt_tokens_details"]
    return Counted(
        usage["prompt_tokens"],
        details["cached_tokens"],
        details.get("cache_write_tokens", 0),
        usage["completion_tokens"],
        usage["completion_tokens_details"]["reasoning_tokens"],
    )


CHAT = Speaker(
    "openai_chat",
    "/openai/v1/chat/completions",
    "gpt-5-mini",
    {"authorization": "Bearer sk-any"},
    _chat_body,
    lambda answer: answer["choices"][0]["message"]["content"],
    sse,
    lambda events: "".join(e["choices"][0]["delta"].get("content") or "" for e in events if e["choices"]),
    lambda events: events[-1],
    _chat_counted,
)


def _responses_body(text: str, system: str, stream: bool) -> dict[str, Any]:
    return {"model": "", "input": _openai_messages(text, system), "stream": stream}


def _responses_counted(answer: Any) -> Counted:
    usage = answer["usage"]
    details = usage["input_tokens_details"]
    return Counted(
        usage["input_tokens"],
        details["cached_tokens"],
        details.get("cache_write_tokens", 0),
        usage["output_tokens"],
        usage["output_tokens_details"]["reasoning_tokens"],
    )


RESPONSES = Speaker(
    "openai_responses",
    "/openai/v1/responses",
    "gpt-5-mini",
    {"authorization": "Bearer sk-any"},
    _responses_body,
    lambda answer: answer["output"][-1]["content"][0]["text"],
    sse,
    lambda events: "".join(e["delta"] for e in events if e["type"] == "response.output_text.delta"),
    lambda events: events[-1]["response"],
    _responses_counted,
)


def _anthropic_body(text: str, system: str, stream: bool) -> dict[str, Any]:
    marked = {"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}
    before = {"system": [marked]} if system else {}
    messages = [{"role": "user", "content": text}]
    return {"model": "", "max_tokens": 4_000, "messages": messages, "stream": stream} | before


def _anthropic_counted(answer: Any) -> Counted:
    usage = answer["usage"]
    read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
    return Counted(
        usage["input_tokens"] + read + written,
        read,
        written,
        usage["output_tokens"],
        usage["output_tokens_details"]["thinking_tokens"],
    )


ANTHROPIC = Speaker(
    "anthropic_messages",
    "/anthropic/v1/messages",
    "claude-sonnet-5-5",
    {"x-api-key": "sk-ant-any", "anthropic-version": "2023-06-01"},
    _anthropic_body,
    lambda answer: answer["content"][-1]["text"],
    sse,
    lambda events: "".join(e["delta"].get("text", "") for e in events if e["type"] == "content_block_delta"),
    lambda events: next(e for e in events if e["type"] == "message_delta"),
    _anthropic_counted,
)


def _gemini_body(text: str, system: str, stream: bool) -> dict[str, Any]:
    before = {"systemInstruction": {"parts": [{"text": system}]}} if system else {}
    return {"contents": [{"role": "user", "parts": [{"text": text}]}]} | before


def _gemini_counted(answer: Any) -> Counted:
    usage = answer["usageMetadata"]
    thoughts = usage.get("thoughtsTokenCount", 0)
    assert usage["totalTokenCount"] == (
        usage["promptTokenCount"] + usage.get("candidatesTokenCount", 0) + thoughts
    )
    return Counted(
        usage["promptTokenCount"],
        usage.get("cachedContentTokenCount", 0),
        0,
        usage.get("candidatesTokenCount", 0) + thoughts,
        thoughts,
    )


def _gemini_text(answer: Any) -> str:
    return "".join(part["text"] for part in answer["candidates"][0]["content"]["parts"])


GEMINI = Speaker(
    "gemini",
    "/gemini/v1beta/models/gemini-2.5-pro:generateContent",
    "gemini-2.5-pro",
    {"x-goog-api-key": "AIza-any"},
    _gemini_body,
    _gemini_text,
    sse,
    lambda events: "".join(map(_gemini_text, events)),
    lambda events: events[-1],
    _gemini_counted,
    stream_path="/gemini/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
)


def _ollama_body(text: str, system: str, stream: bool) -> dict[str, Any]:
    return {"model": "", "messages": _openai_messages(text, system), "stream": stream}


OLLAMA = Speaker(
    "ollama",
    "/ollama/api/chat",
    "qwen3:8b",
    {},
    _ollama_body,
    lambda answer: answer["message"]["content"],
    lines,
    lambda events: "".join(e["message"]["content"] for e in events),
    lambda events: events[-1],
    lambda answer: Counted(answer["prompt_eval_count"], 0, 0, answer["eval_count"], None),
)

SPEAKERS = (CHAT, RESPONSES, ANTHROPIC, GEMINI, OLLAMA)
