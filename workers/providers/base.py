"""What every wire offers: make a request, read a stream of it, name what went wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from schemas.calls import Usage
from schemas.errors import Failure
from schemas.providers import Provider
from workers.context import Message


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of a model; `max_output_tokens` is what the hold was taken for."""

    provider: Provider
    model: str
    messages: tuple[Message, ...]
    max_output_tokens: int
    temperature: float | None


@dataclass(frozen=True, slots=True)
class WireRequest:
    """An HTTP POST below the provider's base URL."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Reply:
    """What has arrived so far; `failure` once the stream itself said it failed."""

    parts: list[str] = field(default_factory=list)
    usage: Usage | None = None
    raw_usage: dict[str, Any] | None = None
    model: str | None = None
    tier: str | None = None
    finished: bool = False
    failure: Failure | None = None

    @property
    def text(self) -> str:
        """The answer's text so far."""
        return "".join(self.parts)


class WireFormat(Protocol):
    """One vendor's format."""

    def request(self, ask: Ask, credential: str | None, call_id: str) -> WireRequest:
        """The request to send, with our correlation id in it."""
        ...

    def feed(self, reply: Reply, data: bytes) -> None:
        """Take in the data of one server-sent event. Raises `ValueError` if it is malformed."""
        ...

    def closed(self, reply: Reply) -> Failure | None:
        """Whether a stream that ended here was a complete answer."""
        ...

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """What an HTTP error means."""
        ...
