"""The seam between a vendor's HTTP format and everything the wires share.

A wire reads a request into an `Ask` and writes a `Reply` or a `Refusal` as its vendor would; scripts,
faults, bill and journal know only these values.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from orchestrator.simulator.rates import Standing


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
class Ask:
    """What a request asks for; `max_tokens` bounds thinking and answer together."""

    model: str
    messages: tuple[Message, ...]
    stream: bool = False
    include_usage: bool = False
    max_tokens: int | None = None


class Finish(StrEnum):
    """Why an answer ends."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer; `cached` is part of `prompt`, `reasoning` is part of `completion`."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0


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


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as the vendor would send it."""

    status: int
    kind: str
    code: str | None
    message: str
    param: str | None = None


class Refused(Exception):
    """The request is refused."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


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


class Wire(Protocol):
    """One vendor's HTTP format."""

    name: str
    stream_type: str
    correlation_header: str

    def authorise(self, headers: dict[str, str]) -> None:
        """Raise Refused unless the request carries a credential."""
        ...

    def read(self, body: bytes) -> Ask:
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

    def error(self, refusal: Refusal) -> bytes:
        """The body of an error."""
        ...

    def models(self) -> bytes:
        """The list of models."""
        ...
