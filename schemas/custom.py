"""The `custom` wire: an HTTP format that is declared, not programmed.

A request is a JSON body with placeholders, an answer is read by paths into its JSON. Both are data: nothing
in them is ever run, and no path leads away from the provider's own address.
"""

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from schemas.addresses import leads_up
from schemas.base import Value
from schemas.errors import Category

MAX_BODY: Final = 16_384
MAX_DEPTH: Final = 16
PLACEHOLDER: Final = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
WHOLE: Final = frozenset({"messages", "turns", "schema"})
"""Placeholders that are no text, and so can't stand within one."""

IN_BODY: Final = WHOLE | {"model", "system", "prompt", "max_tokens", "temperature"}
IN_MESSAGE: Final = frozenset({"role", "content"})
_CONVERSATION: Final = frozenset({"messages", "turns", "prompt"})
_HEADERS_OF_HTTP: Final = re.compile(
    r"accept|connection|content-.*|cookie|expect|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade"
    r"|x-client-request-id",
    re.IGNORECASE,
)

JsonPath = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_$@:-]+(\[([0-9]{1,4}|\*)\])*(\.[A-Za-z0-9_$@:-]+(\[([0-9]{1,4}|\*)\])*)*$",
        max_length=300,
        description="a path into JSON, such as `choices[0].delta.content` or `content.parts[*].text`",
        examples=["choices[0].message.content"],
    ),
]
Counts = Annotated[
    list[JsonPath], Field(max_length=5, description="where the count is; several are added up")
]
Told = Annotated[str, Field(min_length=1, max_length=200)]


def _leads_below(path: str) -> str:
    if not re.fullmatch(r"/(?!/)[!-~]*", path) or "\\" in path or "#" in path:
        raise ValueError("must be a path below base_url: it begins with one '/' and has no '\\' or '#'")
    if leads_up(path):
        raise ValueError("must be a path below base_url: it has no '.' or '..' as a whole part")
    return path


def _names_the_model_alone(path: str) -> str:
    unknown = sorted(set(PLACEHOLDER.findall(path)) - {"model"})
    if unknown:
        raise ValueError(f"may have {{{{model}}}} as its only placeholder, not {unknown[0]!r}")
    return path


Path = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_leads_below)]


class Streaming(StrEnum):
    """How an answer comes: as one JSON body, as server-sent events, or as one JSON text a line."""

    NONE = "none"
    EVENTS = "sse"
    LINES = "ndjson"


class Meaning(StrEnum):
    """What a reason to finish means."""

    COMPLETE = "complete"
    OUTPUT_LIMIT = Category.OUTPUT_LIMIT
    CONTENT_FILTERED = Category.CONTENT_FILTERED
    CONTEXT_TOO_LONG = Category.CONTEXT_TOO_LONG
    SERVER_ERROR = Category.SERVER_ERROR
    OVERLOADED = Category.OVERLOADED


class Fault(StrEnum):
    """What an error of the endpoint means."""

    BAD_REQUEST = Category.BAD_REQUEST
    CONTEXT_TOO_LONG = Category.CONTEXT_TOO_LONG
    CONTENT_FILTERED = Category.CONTENT_FILTERED
    MODEL_NOT_FOUND = Category.MODEL_NOT_FOUND
    UNAUTHORIZED = Category.UNAUTHORIZED
    QUOTA_EXHAUSTED = Category.QUOTA_EXHAUSTED
    RATE_LIMITED = Category.RATE_LIMITED
    OVERLOADED = Category.OVERLOADED
    SERVER_ERROR = Category.SERVER_ERROR


class KeyForm(Value):
    """How the credential travels."""

    header: str = Field("Authorization", pattern=r"^[A-Za-z0-9-]{1,100}$")
    prefix: str = Field("Bearer ", pattern=r"^[ -~]{0,50}$", description="what stands before it")

    @field_validator("header")
    @classmethod
    def _is_free(cls, header: str) -> str:
        if _HEADERS_OF_HTTP.fullmatch(header):
            raise ValueError(f"must not be {header}: HTTP or Orchestrator itself needs it")
        return header


class Endpoints(Value):
    """Where the endpoint is asked, below its `base_url`."""

    completion: Annotated[Path, AfterValidator(_names_the_model_alone)] = "/"
    models: Path | None = Field(None, description="GET: the list of models")
    model_ids: JsonPath = Field("data[*].id", description="where the ids are in that list")
    health: Path | None = Field(None, description="GET: asked by a test where there is no list of models")


class AnswerPaths(Value):
    """Where things are in an answer; of a stream, in each piece of it."""

    text: JsonPath
    finish_reason: JsonPath | None = None
    thinking: JsonPath | None = Field(None, description="what moves a stream on although it is no text yet")
    refusal: JsonPath | None = Field(None, description="there is something where the model refused")
    model: JsonPath | None = None
    request_id: JsonPath | None = None
    input_tokens: Counts = Field(default_factory=list)
    output_tokens: Counts = Field(default_factory=list)
    cached_tokens: Counts = Field(default_factory=list)
    cache_write_tokens: Counts = Field(default_factory=list)
    reasoning_tokens: Counts = Field(default_factory=list)

    @model_validator(mode="after")
    def _counts_both_or_nothing(self) -> Self:
        if bool(self.input_tokens) != bool(self.output_tokens):
            raise ValueError(
                "must name input_tokens and output_tokens, or neither: then a call is charged at its hold"
            )
        return self


class ErrorPaths(Value):
    """Where an error says what it is, and what that means; what is not named goes by its HTTP status."""

    code: Annotated[
        list[JsonPath], Field(max_length=5, description="where codes are; the first that means something")
    ] = Field(default_factory=list)
    message: JsonPath | None = None
    codes: dict[Told, Fault] = Field(default_factory=dict, max_length=100)
    words: dict[Told, Fault] = Field(
        default_factory=dict, max_length=50, description="parts of messages, and what they mean"
    )


def _message() -> dict[str, Any]:
    return {"role": "{{role}}", "content": "{{content}}"}


class CustomFormat(Value):
    """How an endpoint is asked and how its answers are read.

    In `body`, `"{{messages}}"` stands for the messages as `message` forms them, `{{turns}}` for those that
    are not of the system, `{{system}}` and `{{prompt}}` for texts, and `{{model}}`, `{{max_tokens}}`,
    `{{temperature}}` and `{{schema}}` for what they say. What a call doesn't have is left out with its key.
    """

    paths: Endpoints = Field(default_factory=lambda: Endpoints.model_validate({}))
    auth: KeyForm = Field(default_factory=lambda: KeyForm.model_validate({}))
    stream: Streaming = Streaming.NONE
    body: dict[str, Any]
    message: dict[str, Any] = Field(default_factory=_message)
    roles: dict[Annotated[str, Field(pattern="^(system|user|assistant)$")], Told] = Field(
        default_factory=dict
    )
    answer: AnswerPaths
    finish: dict[Told, Meaning] = Field(
        default_factory=dict, max_length=50, description="reasons to finish, and what they mean"
    )
    end: Told = Field("[DONE]", description="the piece of a stream that only says that it has ended")
    errors: ErrorPaths = Field(default_factory=lambda: ErrorPaths.model_validate({}))
    request_id_header: str | None = Field(None, pattern=r"^[A-Za-z0-9-]{1,100}$")

    @field_validator("body")
    @classmethod
    def _body_asks_for_an_answer(cls, body: dict[str, Any]) -> dict[str, Any]:
        used = _placeholders(body, IN_BODY)
        if not used & _CONVERSATION:
            raise ValueError("must have {{messages}}, {{turns}} or {{prompt}}: what is asked")
        if "turns" in used and "system" not in used:
            raise ValueError("must have {{system}} beside {{turns}}, which leave it out")
        if "max_tokens" not in used:
            raise ValueError("must have {{max_tokens}}, so that a call costs no more than was held for it")
        return body

    @field_validator("message")
    @classmethod
    def _message_says_it(cls, message: dict[str, Any]) -> dict[str, Any]:
        if "content" not in _placeholders(message, IN_MESSAGE):
            raise ValueError("must have {{content}}: what is said")
        return message

    @model_validator(mode="after")
    def _a_stream_has_an_end(self) -> Self:
        if self.stream is not Streaming.NONE and self.answer.finish_reason is None:
            raise ValueError(
                "answer.finish_reason is required for a stream: without it one that broke off looks complete"
            )
        if self.answer.finish_reason is not None and Meaning.COMPLETE not in self.finish.values():
            raise ValueError("finish must say which reason is 'complete'")
        return self

    @property
    def takes_schema(self) -> bool:
        """Whether a schema for the answer has a place in the body."""
        return "schema" in _placeholders(self.body, IN_BODY)


def _placeholders(template: dict[str, Any], known: frozenset[str]) -> set[str]:
    """The placeholders of a template. Raises `ValueError` naming the place of what can't be."""
    if len(json.dumps(template)) > MAX_BODY:
        raise ValueError(f"must not be larger than {MAX_BODY} bytes")
    used: set[str] = set()
    for place, text in _texts(template, ()):
        found = set(PLACEHOLDER.findall(text))
        unknown = sorted(found - known)
        if unknown:
            listed = ", ".join(sorted(known))
            raise ValueError(f"has an unknown placeholder {unknown[0]!r} at {place}; known are {listed}")
        mixed = sorted(found & WHOLE)
        if mixed and not PLACEHOLDER.fullmatch(text.strip()):
            raise ValueError(f"must have {mixed[0]!r} at {place} alone, not within a text")
        used |= found
    return used


def _texts(value: Any, place: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if len(place) > MAX_DEPTH:
        raise ValueError(f"must not be nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        yield ".".join(place), value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from _texts(each, (*place, str(name)))
