"""Answers of the OpenAI-compatible front: whole, and as the chunks of a stream."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from orchestrator.api.shapes import cost_shape
from orchestrator.store.views import TaskRow

DONE = b"data: [DONE]\n\n"
STILL_HERE = b": still here\n\n"


@dataclass(frozen=True, slots=True)
class Form:
    """One endpoint's format: `chat` completions, or the older ones of a text."""

    chat: bool

    def whole(self, task: TaskRow, result: Mapping[str, Any]) -> dict[str, Any]:
        """The complete answer."""
        text = result["text"]
        said = (
            {"message": {"role": "assistant", "content": text, "refusal": None}}
            if self.chat
            else {"text": text}
        )
        choice = {"index": 0, **said, "logprobs": None, "finish_reason": result["finish_reason"]}
        kind = "chat.completion" if self.chat else "text_completion"
        head = self._head(task, kind) | {"model": result["model"] or task.candidate["model"]}
        return head | {"choices": [choice], "usage": _usage(task), "orchestrator": ours(task)}

    def opening(self, task: TaskRow) -> bytes:
        """The first chunk, where the format has one."""
        return self._chunk(task, {"delta": {"role": "assistant", "content": ""}}) if self.chat else b""

    def piece(self, task: TaskRow, text: str) -> bytes:
        """A part of the answer."""
        return self._chunk(task, {"delta": {"content": text}} if self.chat else {"text": text})

    def closing(self, task: TaskRow, result: Mapping[str, Any], *, with_usage: bool) -> bytes:
        """Why it ended, and what it used where that was asked for."""
        said: dict[str, Any] = {"delta": {}} if self.chat else {"text": ""}
        chunks = self._chunk(task, said, result["finish_reason"])
        if with_usage:
            told = {"choices": [], "usage": _usage(task), "orchestrator": ours(task)}
            chunks += event(self._head(task, self._kind) | told)
        return chunks + DONE

    @property
    def _kind(self) -> str:
        return "chat.completion.chunk" if self.chat else "text_completion"

    def _chunk(self, task: TaskRow, said: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, **said, "logprobs": None, "finish_reason": finish}
        return event(self._head(task, self._kind) | {"choices": [choice]})

    def _head(self, task: TaskRow, kind: str) -> dict[str, Any]:
        return {
            "id": f"{'chatcmpl' if self.chat else 'cmpl'}-{task.id.hex}",
            "object": kind,
            "created": int(task.created_at.timestamp()),
            "model": task.candidate["model"],
        }


def event(value: object) -> bytes:
    """One server-sent event."""
    return b"data: " + orjson.dumps(value) + b"\n\n"


def _usage(task: TaskRow) -> dict[str, Any]:
    """Tokens over all calls that were made for the answer."""
    return {
        "prompt_tokens": task.input_tokens,
        "completion_tokens": task.output_tokens,
        "total_tokens": task.input_tokens + task.output_tokens,
        "prompt_tokens_details": {"cached_tokens": task.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": task.reasoning_tokens},
    }


def ours(task: TaskRow) -> dict[str, Any]:
    """What OpenAI's format has no place for."""
    return {
        "task_id": str(task.id),
        "provider": task.candidate["name"],
        "simulated": task.simulated,
        "cost": cost_shape(task),
    }
