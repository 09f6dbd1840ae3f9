"""What every wire offers: make a request, read a stream of it, name what went wrong; and what all share.

A reply's usage is set only once it is final: what a stream said before it broke off is less than what its
vendor bills.
"""

import base64
from abc import ABC, abstractmethod
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final

import orjson
from pydantic import ValidationError

from orchestrator import clock
from orchestrator.catalogue.models import takes_temperature
from orchestrator.catalogue.vendors import key_headers, path_of
from schemas.calls import MOST_TOKENS, Usage
from schemas.errors import Category, Failure
from schemas.providers import Provider, Vendor
from workers.context import Message
from workers.framing import Framing, ServerSentEvents

CORRELATION_HEADER: Final = "X-Client-Request-Id"
USUAL_TIER: Final = "default"
LONGEST_WAIT: Final = 10**7
"""A hint to wait longer than this many seconds is taken for nonsense."""

_SCHEMA_IN_WORDS: Final = (
    "Answer with one JSON object and nothing else: no words around it, no code fence. "
    "It must be valid against this JSON Schema:\n{}"
)

OUTPUT_LIMIT: Final = Failure(
    category=Category.OUTPUT_LIMIT, message="The answer reached the output limit; raise max_tokens."
)
FILTERED: Final = Failure(
    category=Category.CONTENT_FILTERED, message="The provider's content filter cut the answer."
)
REFUSED: Final = Failure(category=Category.CONTENT_FILTERED, message="The model refused to answer.")
WINDOW_FULL: Final = Failure(
    category=Category.CONTEXT_TOO_LONG,
    message="Prompt and answer together are larger than the model's context.",
)

_BY_STATUS: Final[dict[int, Category]] = {
    400: Category.BAD_REQUEST,
    401: Category.UNAUTHORIZED,
    402: Category.QUOTA_EXHAUSTED,
    403: Category.UNAUTHORIZED,
    404: Category.MODEL_NOT_FOUND,
    408: Category.SERVER_ERROR,
    410: Category.MODEL_NOT_FOUND,
    413: Category.CONTEXT_TOO_LONG,
    422: Category.BAD_REQUEST,
    503: Category.OVERLOADED,
    529: Category.OVERLOADED,
}


class Malformed(ValueError):
    """What came is not of the form that its wire reads; the message says where, in plain words."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of a model; `max_output_tokens` is what the hold was taken for.

    With `inputs` vectors of them are asked for, of `dimensions` numbers, instead of an answer to messages.
    With `schema` (JSON Schema, an object) the answer is to be JSON that fits it, where the vendor can.
    `tier` is the vendor's own word for the service tier, where not the usual one is asked for.
    """

    provider: Provider
    model: str
    messages: tuple[Message, ...]
    max_output_tokens: int
    temperature: float | None
    schema: Mapping[str, Any] | None = None
    inputs: tuple[str, ...] = ()
    dimensions: int | None = None
    tier: str | None = None

    @property
    def system(self) -> str:
        """What the system messages say, for wires that keep it apart."""
        return "\n\n".join(message.content for message in self.messages if message.role == "system")

    @property
    def turns(self) -> tuple[Message, ...]:
        """The messages of user and assistant."""
        return tuple(message for message in self.messages if message.role != "system")

    @property
    def told_its_schema(self) -> "Ask":
        """The same with its schema in words, for a wire or a vendor that takes no such schema."""
        if self.schema is None:
            return self
        words = _SCHEMA_IN_WORDS.format(orjson.dumps(self.schema).decode())
        return replace(self, messages=(Message("system", words), *self.messages), schema=None)

    @property
    def temperature_taken(self) -> float | None:
        """The temperature, if the model takes one; who can't tell by a deployment's name sends none."""
        own_name = self.provider.vendor is Vendor.AZURE and not self.model.startswith("gpt-")
        return None if own_name or not takes_temperature(self.model) else self.temperature


@dataclass(frozen=True, slots=True)
class WireRequest:
    """An HTTP POST below the provider's base URL; `patient`: its answer may take all the call's time."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    patient: bool = False


@dataclass(slots=True)
class Reply:
    """What has arrived so far; `failure` once the stream itself said it failed.

    `charged_nanos` is what the vendor says it charged, in nano-dollars, where it says so.
    """

    parts: list[str] = field(default_factory=list)
    usage: Usage | None = None
    raw_usage: dict[str, Any] | None = None
    charged_nanos: int | None = None
    model: str | None = None
    tier: str | None = None
    request_id: str | None = None
    finished: bool = False
    failure: Failure | None = None

    @property
    def text(self) -> str:
        """The answer's text so far."""
        return "".join(self.parts)


class WireFormat(ABC):
    """One vendor's format. `request_id_headers`: where its answers have their id, the first one preferred."""

    framing: type[Framing] = ServerSentEvents
    request_id_headers: tuple[str, ...] = ("x-request-id",)

    @abstractmethod
    def request(self, ask: Ask, credential: str | None, call_id: str) -> WireRequest:
        """The request to send, with our correlation id in it."""

    @abstractmethod
    def feed(self, reply: Reply, data: bytes) -> bool:
        """Take in one piece of the stream; whether it moved the answer on, if only by thinking.

        Raises `Malformed`, or another `ValueError`, `TypeError` or `AttributeError`, if it is malformed.
        """

    @abstractmethod
    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """What an HTTP error means."""

    def head(self, reply: Reply, headers: Mapping[str, str]) -> None:
        """Take in the headers of a response, good or bad."""
        named = (headers.get(name) for name in self.request_id_headers)
        reply.request_id = next((name[:200] for name in named if name), None)

    def closed(self, reply: Reply) -> Failure | None:
        """Whether a stream that ended here was a complete answer: None if it was."""
        if reply.failure is not None:
            return reply.failure
        if not reply.finished:
            return Failure(category=Category.TRUNCATED, message="The stream ended without a finish reason.")
        if not reply.text.strip():
            return Failure(category=Category.MALFORMED, message="The answer was empty.")
        return None


def post(
    ask: Ask,
    credential: str | None,
    call_id: str,
    path: str,
    body: Mapping[str, Any],
    accept: str = ServerSentEvents.content_type,
    **headers: str,
) -> WireRequest:
    """The request: the provider's path and key, our correlation id, the body as JSON."""
    given = {
        "Content-Type": "application/json",
        "Accept": accept,
        CORRELATION_HEADER: call_id,
        **headers,
        **key_headers(ask.provider, credential),
    }
    # orjson hands back a buffer much larger than its content; the request is held as long as the call.
    return WireRequest(
        path_of(ask.provider, path), given, bytes(memoryview(orjson.dumps(body))), ask.tier is not None
    )


def parsed(data: bytes) -> dict[str, Any]:
    """A piece of a stream as the object it must be. Raises `Malformed`."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Malformed("it is no JSON") from error
    if not isinstance(value, dict):
        raise Malformed("it must be an object")
    return value


def inside(given: Mapping[str, Any], key: str) -> dict[str, Any]:
    """An object within an object, empty where there is none. Raises `Malformed` for anything else."""
    value = given.get(key) or {}
    if not isinstance(value, dict):
        raise Malformed(f"{key} must be an object")
    return value


def listed(given: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """A list of objects within an object, empty where there is none. Raises `Malformed` for anything else."""
    value = given.get(key) or []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise Malformed(f"{key} must be a list of objects")
    return value


def packed(vectors: Any) -> str:
    """Vectors as the text of an answer: a list of base64 of little-endian floats, as results keep them.

    Raises `Malformed` for what is no list of vectors.
    """
    if not isinstance(vectors, list) or not vectors:
        raise Malformed("it must have a list of vectors")
    try:
        each = [
            vector if isinstance(vector, str) else base64.b64encode(array("f", vector).tobytes()).decode()
            for vector in vectors
        ]
    except (ValueError, TypeError, OverflowError) as error:
        raise Malformed("a vector must be a list of numbers") from error
    return orjson.dumps(each).decode()


def error_body(body: bytes) -> Any:
    """The JSON of an error's body; None where there is none."""
    try:
        return orjson.loads(body)
    except ValueError:
        return None


def malformed(error: Exception) -> Failure:
    """The failure of an answer that can't be read, in one sentence; where, if its wire could tell."""
    where = str(error) if isinstance(error, Malformed) else "it is not of the form that its wire reads"
    if isinstance(error, ValidationError):
        where = f"{error.errors()[0]['loc'][0]} is no count that a call can have"
    return Failure(
        category=Category.MALFORMED, message=said(f"The provider's answer was malformed: {where}.", None)
    )


def short(given: Mapping[str, Any], key: str) -> str | None:
    """A short text of an object; None where there is none."""
    value = given.get(key)
    return value[:200] if value and isinstance(value, str) else None


def text(value: Any, name: str = "the answer's content") -> str:
    """A text of the answer, empty where there is none. Raises `Malformed` for anything else."""
    if value and not isinstance(value, str):
        raise Malformed(f"{name} must be a text")
    return value or ""


def tokens(given: Mapping[str, Any], key: str) -> int:
    """A count of tokens, 0 where there is none. Raises `Malformed` where it is no count."""
    value = given.get(key)
    return 0 if value is None else counted(key, value)


def counted(name: str, value: Any) -> int:
    """A count of tokens. Raises `Malformed` where it is none, or more than any call could use."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Malformed(f"{name} must be a whole number")
    if not 0 <= value <= MOST_TOKENS:
        raise Malformed(f"{name} must be from 0 to {MOST_TOKENS}")
    return value


def said(told: object, status: int | None) -> str:
    """A provider's words within bounds: Postgres keeps neither a NUL nor half a character."""
    unsaid = f"The provider answered with status {status}." if status else "The provider sent an error."
    words = str(told or unsaid)
    return words[:1000].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def by_status(status: int, hint: float | None) -> Category:
    """What an HTTP status means by itself; a 429 that names no time is a quota used up."""
    if status == 429:
        return Category.QUOTA_EXHAUSTED if hint is None else Category.RATE_LIMITED
    return _BY_STATUS.get(status, Category.SERVER_ERROR if status >= 500 else Category.BAD_REQUEST)


def hinted(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, by `retry-after-ms` or `retry-after`, a number or a date; None if unsaid."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        written = headers.get(name, "")
        try:
            seconds = float(written) * scale
        except ValueError:
            seconds = _until(written)
        if 0 <= seconds < LONGEST_WAIT:
            return seconds
    return None


def _until(moment: str) -> float:
    """Seconds until a date as HTTP writes it, 0 where it has passed; negative where it is none."""
    try:
        at = parsedate_to_datetime(moment)
    except (ValueError, TypeError, IndexError, OverflowError):
        return -1.0
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - clock.now()).total_seconds())
