"""The seam between a vendor's HTTP format and everything the wires share.

A wire reads a request into an `Ask` and writes a `Reply` or a `Refusal` as its vendor would; scripts,
faults, bill and journal know only these values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from orchestrator.simulator.rates import Standing

MEGABYTE: Final = 1024 * 1024
DEFAULT_TIER: Final = "default"
FLEX_TIER: Final = "flex"


class Role(StrEnum):
    """Who says a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the prompt, as plain text."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Caching:
    """The beginnings of a prompt that the vendor may keep, each longer than the one before it.

    `step` is what their tokens are reported in; `writes` where putting them there is billed, `hour` where
    they were asked to stay for one.
    """

    prefixes: tuple[str, ...]
    step: int = 1
    writes: bool = False
    hour: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request asks for; `max_tokens` bounds thinking and answer together.

    `schema` is what the answer must be as JSON (an empty one: any object); None leaves it free.
    `embeds` holds the texts, and how many numbers each becomes, where vectors are asked for. `tier` is the
    service tier, in OpenAI's words.
    """

    model: str
    messages: tuple[Message, ...]
    stream: bool = False
    include_usage: bool = False
    max_tokens: int | None = None
    thinks: bool = False
    caching: Caching | None = None
    schema: Mapping[str, Any] | None = None
    embeds: "Embedding | None" = None
    tier: str = DEFAULT_TIER


@dataclass(frozen=True, slots=True)
class Embedding:
    """Texts to turn into vectors; `dimensions` None takes the model's own, `base64` packs them as floats."""

    texts: tuple[str, ...]
    tokens: int
    dimensions: int | None = None
    base64: bool = False


class Finish(StrEnum):
    """Why an answer ends; what the vendors call it is each wire's own."""

    STOP = "stop"
    LENGTH = "length"
    CONTEXT_FULL = "context_full"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer, whatever classes the vendor reports them in.

    `cached` and `written` are parts of `prompt`, `written_hour` of `written`, `reasoning` of `completion`.
    """

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0
    written: int = 0
    written_hour: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer; the usage is what it cost, whether or not it is shown."""

    id: str
    created: int
    model: str
    text: str
    finish: Finish
    usage: Usage
    shows_usage: bool = True
    tier: str = DEFAULT_TIER


class Cause(StrEnum):
    """Why a request is refused; status, code and words are each vendor's own."""

    UNREADABLE = "unreadable"
    MISSING_FIELD = "missing_field"
    INVALID_VALUE = "invalid_value"
    BAD_REQUEST = "bad_request"
    NO_KEY = "no_key"
    WRONG_KEY = "wrong_key"
    FORBIDDEN = "forbidden"
    PAYMENT = "payment"
    UNKNOWN_PATH = "unknown_path"
    WRONG_METHOD = "wrong_method"
    MISSING_MODEL = "missing_model"
    TOO_LARGE = "too_large"
    CONTEXT_TOO_LONG = "context_too_long"
    BLOCKED = "blocked"
    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"
    OVERLOADED = "overloaded"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal before a vendor has put it into words.

    `detail` fills the vendor's sentence (a model's name, what is wrong with `param`), `code` is the
    vendor's own where its wire found the fault, `retry_after` is seconds.
    """

    cause: Cause
    detail: str = ""
    param: str | None = None
    code: str | None = None
    retry_after: float | None = None


class Refused(Exception):
    """The request is refused."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.cause}: {refusal.detail}")
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """A refusal as the vendor sends it; `code` is what names it best in its own body."""

    status: int
    code: str | None
    body: bytes

    @property
    def outcome(self) -> str:
        """The same in the journal's words."""
        return f"error:{self.code or self.status}"


class Framing(Protocol):
    """The bytes of one streamed answer, piece by piece."""

    def opening(self) -> bytes:
        """What comes before the first word."""
        ...

    def piece(self, text: str) -> bytes:
        """A few words of the answer."""
        ...

    def closing(self) -> bytes:
        """Finish reason, usage where it was asked for, and the end mark."""
        ...

    def broken(self, refusal: Refusal) -> bytes:
        """An error in the middle of the stream."""
        ...

    def event(self, data: bytes) -> bytes:
        """Any bytes framed as one event."""
        ...

    def heartbeat(self) -> bytes:
        """What the vendor sends when it has nothing to say; empty where it is silent."""
        ...


class Wire(Protocol):
    """One vendor's HTTP format.

    `models` names the vendor's list of models. Where `blocks_in_answer`, a blocked prompt is answered
    with a status 200.
    """

    name: str
    models: str
    id_prefix: str
    stream_type: str
    max_body: int
    blocks_in_answer: bool

    def authorise(self, headers: Mapping[str, str]) -> None:
        """Raise Refused unless the request carries a credential."""
        ...

    def read(self, body: bytes, path: str) -> Ask:
        """The request's meaning; raises Refused."""
        ...

    def whole(self, reply: Reply) -> bytes:
        """The body of an answer that isn't streamed."""
        ...

    def framing(self, ask: Ask, reply: Reply) -> Framing:
        """The parts of a streamed answer."""
        ...

    def headers(self, request_id: str, processing_ms: int, standing: Standing) -> dict[str, str]:
        """The headers of every answer."""
        ...

    def retry_headers(self, seconds: float, limited: bool) -> dict[str, str]:
        """When to come again; `limited` when a rate limit is the reason."""
        ...

    def error(self, refusal: Refusal, request_id: str) -> ErrorReply:
        """A refusal in the vendor's words."""
        ...

    def listing(self) -> bytes:
        """The list of models."""
        ...
