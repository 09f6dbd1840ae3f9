"""Requests of the OpenAI-compatible front: read strictly, and turned into a chat task.

What would change the answer and can't be honoured is refused by name, never ignored; its neutral value
is taken, because many clients send it.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Final, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from orchestrator.api.complaints import field_errors
from orchestrator.api.problems import invalid
from schemas.base import Value
from schemas.contexts import MAX_CHAT, MAX_MESSAGES
from schemas.errors import FieldError
from schemas.structured import AnswerSchema, fault_of
from schemas.tasks import ChatRequest, Preferences

B = TypeVar("B", bound="FrontBody")

_ANYTHING: Final = object()
_NEUTRAL: Final[dict[str, tuple[object, ...]]] = {
    "best_of": (1,),
    "echo": (False,),
    "frequency_penalty": (0,),
    "function_call": ("none",),
    "functions": ([],),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "n": (1,),
    "parallel_tool_calls": (_ANYTHING,),
    "prediction": (),
    "presence_penalty": (0,),
    "prompt_cache_key": (_ANYTHING,),
    "reasoning_effort": (),
    "safety_identifier": (_ANYTHING,),
    "seed": (),
    "service_tier": ("auto", "default"),
    "stop": ([],),
    "store": (_ANYTHING,),
    "suffix": ("",),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "top_logprobs": (0,),
    "top_p": (1,),
    "verbosity": (),
    "audio": (),
    "web_search_options": (),
}
"""Parameters that are not supported, and the values that ask for nothing."""


class TextPart(Value):
    """A part of a message's content."""

    type: Literal["text"]
    text: str = Field(max_length=MAX_CHAT)


class FrontMessage(Value):
    """One message; `developer` is another name of `system`."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]

    @property
    def plain(self) -> dict[str, str]:
        """As our own context has it."""
        role = "system" if self.role == "developer" else self.role
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return {"role": role, "content": text}


class StreamOptions(Value):
    """What a stream shall contain."""

    include_usage: bool = Field(False, strict=True)
    include_obfuscation: Literal[False] = False


class NamedSchema(Value):
    """A schema as OpenAI's API takes it; every answer is held to it, whatever `strict` says."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str | None = Field(None, max_length=10_000)
    answer_schema: AnswerSchema = Field(alias="schema")
    strict: bool | None = None


class ResponseFormat(Value):
    """What the answer is to be: text, any JSON object, or JSON of a schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None

    @model_validator(mode="after")
    def _has_its_schema(self) -> Self:
        if (self.json_schema is not None) != (self.type == "json_schema"):
            raise ValueError("must have a json_schema if its type is 'json_schema', and only then")
        return self

    @property
    def wanted(self) -> dict[str, Any] | None:
        """The schema that an answer has to fit; None for text."""
        if self.type == "json_object":
            return {"type": "object"}
        return self.json_schema.answer_schema if self.json_schema else None


class FrontBody(Value):
    """What both endpoints take."""

    model: str = Field(
        min_length=1, max_length=200, description="a model, a provider's name, or `auto`", examples=["auto"]
    )
    stream: bool = Field(False, strict=True)
    stream_options: StreamOptions = Field(default_factory=lambda: StreamOptions.model_validate({}))
    temperature: float | None = Field(None, strict=True, ge=0, le=2)
    max_tokens: int | None = Field(None, strict=True, ge=1, le=200_000)
    user: str | None = Field(None, min_length=1, max_length=200)
    metadata: dict[str, str] = Field(default_factory=dict, max_length=16)

    @property
    def limit(self) -> int | None:
        """The most output tokens."""
        return self.max_tokens

    @property
    @abstractmethod
    def said(self) -> dict[str, Any]:
        """The context of the task."""


class ChatCompletionRequest(FrontBody):
    """A conversation to go on with."""

    messages: list[FrontMessage] = Field(min_length=1, max_length=MAX_MESSAGES)
    max_completion_tokens: int | None = Field(None, strict=True, ge=1, le=200_000)
    response_format: ResponseFormat | None = None

    @property
    def limit(self) -> int | None:
        """The newer name goes before the older."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def said(self) -> dict[str, Any]:
        """The messages, and what the answer has to fit."""
        schema = self.response_format.wanted if self.response_format else None
        return {"messages": [message.plain for message in self.messages], "answer_schema": schema}


class CompletionRequest(FrontBody):
    """A prompt to answer."""

    prompt: str | list[str] = Field(min_length=1, max_length=MAX_CHAT)

    @property
    def said(self) -> dict[str, Any]:
        """The prompt; of a list its one entry."""
        return {"prompt": self.prompt if isinstance(self.prompt, str) else self.prompt[0]}


def read_body(body: object, model: type[B]) -> B:
    """The request in a body. Raises `InvalidRequest` naming the parameter."""
    if not isinstance(body, dict):
        raise invalid([FieldError(field="body", message="body must be a JSON object", code="object_type")])
    try:
        asked = model.model_validate(_supported(body, model))
    except ValidationError as error:
        raise invalid(field_errors(error, model, skip=0)) from error
    if isinstance(asked, CompletionRequest) and isinstance(asked.prompt, list) and len(asked.prompt) > 1:
        message = "prompt must be one text: send several requests for several prompts"
        raise invalid([FieldError(field="prompt", message=message, code="unsupported_parameter")])
    return asked


def task_of(asked: FrontBody, wishes: Mapping[str, Any], **fields: Any) -> ChatRequest:
    """The chat that a request asks for, going where `wishes` say. Raises `InvalidRequest`."""
    schema = asked.said.get("answer_schema")
    if schema is not None and (fault := fault_of(schema)):
        field = "response_format.json_schema.schema"
        raise invalid(
            [FieldError(field=field, message=f"{field} is no JSON Schema; {fault}", code="invalid_value")]
        )
    wanted = dict(wishes) | {"temperature": asked.temperature, "max_tokens": asked.limit}
    given = {
        "kind": "chat",
        "context": asked.said | {"stream": asked.stream},
        "preferences": Preferences.model_validate(wanted),
        "metadata": asked.metadata,
        "user_id": asked.user,
    }
    try:
        return ChatRequest.model_validate(given | fields)
    except ValidationError as error:
        raise invalid(
            [_without_context(each) for each in field_errors(error, ChatRequest, skip=0)]
        ) from error


def _without_context(error: FieldError) -> FieldError:
    field = error.field.removeprefix("context.")
    return FieldError(field=field, message=error.message.replace("context.", "", 1), code=error.code)


def _supported(body: dict[str, Any], model: type[FrontBody]) -> dict[str, Any]:
    kept = {name: value for name, value in body.items() if value is not None}
    for name in [name for name in kept if name in _NEUTRAL and name not in model.model_fields]:
        value, neutral = kept.pop(name), _NEUTRAL[name]
        if neutral != (_ANYTHING,) and not any(value == each for each in neutral):
            message = f"{name} is not supported here with this value: leave it out"
            raise invalid([FieldError(field=name, message=message, code="unsupported_parameter")])
    if isinstance(kept.get("messages"), list):
        kept["messages"] = [_bare(message) for message in kept["messages"]]
    return kept


def _bare(message: object) -> object:
    """A message without what says nothing, as the SDK's own answers carry it."""
    if not isinstance(message, dict):
        return message
    return {name: value for name, value in message.items() if value not in (None, [])}
