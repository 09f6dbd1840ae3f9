"""OpenAI's Responses: items in, items out, and a stream of named, numbered events."""

from typing import Any, Final

import orjson
from pydantic import Field

from orchestrator.simulator import models
from orchestrator.simulator.body import Body, read
from orchestrator.simulator.wire import (
    DEFAULT_TIER,
    Ask,
    Cause,
    Finish,
    Framing,
    Message,
    Refusal,
    Refused,
    Reply,
    Role,
)
from orchestrator.simulator.wires.openai import (
    ROOT,
    OpenAI,
    Tier,
    caching_of,
    input_details,
    refuse_sampling,
    role_of,
    schema_of,
)

RESPONSES: Final = f"{ROOT}/responses"
FEWEST_TOKENS: Final = 16
_INCOMPLETE: Final = {
    Finish.LENGTH: "max_output_tokens",
    Finish.CONTEXT_FULL: "max_output_tokens",
    Finish.CONTENT_FILTER: "content_filter",
}


class _Part(Body):
    type: str
    text: str = ""


class _Item(Body):
    type: str = "message"
    role: str = ""
    content: str | list[_Part] = ""

    def plain(self) -> Message | None:
        if self.type != "message":
            return None
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return Message(role_of(self.role, "input"), text)


class _Text(Body):
    format: dict[str, Any] | None = None


class _Body(Body):
    model: str = Field(min_length=1)
    input: str | list[_Item] = Field(min_length=1)
    instructions: str | None = None
    stream: bool = False
    max_output_tokens: int | None = Field(None, ge=FEWEST_TOKENS)
    temperature: float | None = Field(None, ge=0, le=2)
    text: _Text | None = None
    background: bool = False
    service_tier: Tier | None = None

    def messages(self) -> tuple[Message, ...]:
        before = (Message(Role.SYSTEM, self.instructions),) if self.instructions else ()
        if isinstance(self.input, str):
            return (*before, Message(Role.USER, self.input))
        return before + tuple(message for item in self.input if (message := item.plain()))


class OpenAIResponses(OpenAI):
    """The wire of `POST /openai/v1/responses`."""

    name = "openai_responses"
    id_prefix = "resp_"

    def read(self, body: bytes, path: str) -> Ask:
        """The request's meaning; raises Refused."""
        request = read(_Body, body)
        refuse_sampling(request.model, request.temperature)
        if request.background:
            message = "Unsupported value: 'background'. The simulator answers in the foreground only."
            raise Refused(Refusal(Cause.INVALID_VALUE, message, "background", "unsupported_value"))
        messages = request.messages()
        return Ask(
            model=request.model,
            messages=messages,
            stream=request.stream,
            include_usage=True,
            max_tokens=request.max_output_tokens,
            thinks=models.reasons(models.OPENAI, request.model),
            caching=caching_of(request.model, messages),
            schema=schema_of(request.text.format if request.text else None),
            tier=request.service_tier or DEFAULT_TIER,
        )

    def whole(self, reply: Reply) -> bytes:
        """A `response`."""
        return orjson.dumps(_ended(reply))

    def framing(self, ask: Ask, reply: Reply) -> Framing:
        """The events of a stream."""
        return _Events(self, reply)


class _Events:
    """Named events, numbered from 0; the items are those of the answer that isn't streamed."""

    def __init__(self, wire: OpenAIResponses, reply: Reply) -> None:
        self._wire = wire
        self._reply = reply
        self._number = 0
        self._items = _items(reply)
        self._part = "refusal" if reply.finish is Finish.REFUSAL else "output_text"
        self._speaks = self._items[-1]["type"] == "message"
        self._place = {
            "item_id": _message_id(reply),
            "output_index": len(self._items) - 1,
            "content_index": 0,
        }

    def opening(self) -> bytes:
        begun = _response(self._reply, "in_progress")
        events = self._named("response.created", response=begun)
        events += self._named("response.in_progress", response=begun)
        for index, item in enumerate(self._items):
            if item["type"] == "message":
                events += self._message_opening(index, item)
            else:
                events += self._named("response.output_item.added", output_index=index, item=item)
                events += self._named("response.output_item.done", output_index=index, item=item)
        return events

    def piece(self, text: str) -> bytes:
        return self._named(f"response.{self._part}.delta", **self._place, delta=text, **self._logprobs())

    def closing(self) -> bytes:
        events = self._message_closing() if self._speaks else b""
        ended = _ended(self._reply)
        return events + self._named(f"response.{ended['status']}", response=ended)

    def broken(self, refusal: Refusal) -> bytes:
        error, _ = self._wire.told(refusal)
        failed = _response(self._reply, "failed")
        failed["error"] = {"code": error["code"], "message": error["message"]}
        return self._named("error", error=error) + self._named("response.failed", response=failed)

    def event(self, data: bytes) -> bytes:
        return b"event: response.output_text.delta\ndata: " + data + b"\n\n"

    def heartbeat(self) -> bytes:
        return b""

    def _message_opening(self, index: int, item: dict[str, Any]) -> bytes:
        begun = item | {"status": "in_progress", "content": []}
        events = self._named("response.output_item.added", output_index=index, item=begun)
        return events + self._named(
            "response.content_part.added", **self._place, part=_part(self._reply.finish, "")
        )

    def _message_closing(self) -> bytes:
        text = self._reply.text
        said = {"refusal": text} if self._part == "refusal" else {"text": text, "logprobs": []}
        events = self._named(f"response.{self._part}.done", **self._place, **said)
        events += self._named(
            "response.content_part.done", **self._place, part=_part(self._reply.finish, text)
        )
        index = self._place["output_index"]
        return events + self._named("response.output_item.done", output_index=index, item=self._items[-1])

    def _logprobs(self) -> dict[str, Any]:
        return {"logprobs": []} if self._part == "output_text" else {}

    def _named(self, name: str, **fields: Any) -> bytes:
        data = orjson.dumps({"type": name, "sequence_number": self._number, **fields})
        self._number += 1
        return f"event: {name}\ndata: ".encode() + data + b"\n\n"


def _items(reply: Reply) -> list[dict[str, Any]]:
    """A reasoning item where there was thinking, and the message where there was time for one."""
    items: list[dict[str, Any]] = []
    if reply.usage.reasoning:
        items.append({"id": f"rs_{reply.id.removeprefix('resp_')}", "type": "reasoning", "summary": []})
    if reply.text or not items:
        items.append(
            {
                "id": _message_id(reply),
                "type": "message",
                "status": "incomplete" if reply.finish in _INCOMPLETE else "completed",
                "role": "assistant",
                "content": [_part(reply.finish, reply.text)],
            }
        )
    return items


def _message_id(reply: Reply) -> str:
    return f"msg_{reply.id.removeprefix('resp_')}"


def _part(finish: Finish, text: str) -> dict[str, Any]:
    if finish is Finish.REFUSAL:
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _ended(reply: Reply) -> dict[str, Any]:
    reason = _INCOMPLETE.get(reply.finish)
    response = _response(reply, "incomplete" if reason else "completed") | {"output": _items(reply)}
    if reason:
        response["incomplete_details"] = {"reason": reason}
    if reply.shows_usage:
        response["usage"] = _usage(reply)
    return response


def _response(reply: Reply, status: str) -> dict[str, Any]:
    return {
        "id": reply.id,
        "object": "response",
        "created_at": reply.created,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": reply.model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "service_tier": reply.tier,
        "store": False,
        "tool_choice": "auto",
        "tools": [],
        "truncation": "disabled",
        "usage": None,
        "metadata": {},
    }


def _usage(reply: Reply) -> dict[str, Any]:
    usage = reply.usage
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": input_details(reply.model, usage),
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.completion,
    }
