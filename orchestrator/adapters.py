"""Own adapters: a `Provider` of one's own, in a distribution of one's own.

A distribution names its class among its entry points, in the group `orchestrator.providers`; a tenant's
provider on the wire `adapter` names it in `options.adapter`. The adapter says how an endpoint is asked and
what its answer is. Everything else stays ours: queue, hold, deadline, booking, gates, verification. It is
code that the operator has installed, and it runs in workers only; the HTTP client it is given leads to the
provider's own address and nowhere else.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib.metadata import entry_points
from typing import Any, ClassVar, Final, Literal, Protocol

import orjson

from schemas.calls import Usage
from schemas.errors import Category

__all__ = [
    "Account", "Answer", "Capabilities", "Category", "Client", "Health", "Message", "Provider",
    "ProviderFailed", "Request", "Response", "Streamed", "Usage", "installed", "load",
]  # fmt: skip

GROUP: Final = "orchestrator.providers"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter can do; without `structured_output` a schema is put into words for it.

    With `streaming` it is asked by `stream_request`, and its answers go out while they come.
    """

    structured_output: bool = False
    streaming: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """The tenant's provider: where it is, whom to ask, the opened credential, and the adapter's settings."""

    name: str
    base_url: str
    model: str
    credential: str | None = field(repr=False)
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked; the hold was taken for `max_output_tokens`. `schema` is a JSON Schema for the answer."""

    model: str
    messages: tuple[Message, ...]
    max_output_tokens: int
    temperature: float | None
    schema: Mapping[str, Any] | None
    call_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. Without `usage` the call is charged at its hold; `model` is the one that served."""

    text: str
    usage: Usage | None
    model: str | None = None
    finish: Literal["stop", "length"] = "stop"
    tier: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the endpoint answers, and what to tell the operator."""

    ok: bool
    message: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON. Raises `ValueError`."""
        return orjson.loads(self.body)


class Streamed(Protocol):
    """What comes back, to be read once and while it comes; what breaks off raises `ProviderFailed`."""

    status: int
    headers: Mapping[str, str]

    def lines(self) -> AsyncIterator[str]:
        """Its lines as they are complete, without their ends."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Its bytes as they come."""
        ...

    async def read(self) -> Response:
        """All of it."""
        ...


class Client(Protocol):
    """HTTP below the provider's `base_url`: bounded in time and size, without redirects or proxies.

    What can't be reached raises `ProviderFailed`, which an adapter lets pass.
    """

    async def request(
        self, method: str, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The response to a request, whatever its status; `path` begins with one '/'."""
        ...

    def stream(
        self, method: str, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Streamed]:
        """The same, to be read while it comes, within `async with`."""
        ...


class ProviderFailed(Exception):
    """The provider gave no answer. `category` decides what follows, as for every other wire.

    With `may_be_billed` the call is charged at its hold: say False only for what is surely free, such as a
    request that was refused.
    """

    def __init__(
        self,
        category: Category,
        message: str,
        *,
        http_status: int | None = None,
        retry_after: float | None = None,
        may_be_billed: bool = True,
    ) -> None:
        super().__init__(message)
        self.category = category
        self.message = message
        self.http_status = http_status
        self.retry_after = retry_after
        self.may_be_billed = may_be_billed


class Provider(ABC):
    """An adapter; made anew for each call. Everything but `process_request` has a usable default."""

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities] = Capabilities()

    def __init__(self, account: Account, client: Client) -> None:
        self.account = account
        self.client = client

    @abstractmethod
    async def process_request(self, request: Request) -> Answer:
        """The answer. Raises `ProviderFailed`; anything else counts as a malformed answer."""

    def stream_request(self, request: Request) -> AsyncGenerator["str | Answer", None]:
        """The pieces of the answer as they come, then an `Answer` with its usage and what text remains.

        Written as an `async def` that yields; asked where `capabilities.streaming`. A stream that ends
        without an `Answer` has broken off, and is charged at its hold.
        """
        raise NotImplementedError(f"{type(self).__name__} says that it streams and has no stream_request")

    async def health_check(self) -> Health:
        """Whether the endpoint answers; without another way, by its list of models."""
        models = await self.get_models()
        return Health(True, f"It answered and listed {len(models)} models.")

    async def get_models(self) -> list[str]:
        """The models it serves; the one that is configured where it has no list."""
        return [self.account.model]

    async def validate_credentials(self) -> bool | None:
        """Whether the credential is taken; None where nothing is proven by asking."""
        return None

    async def get_usage_stats(self) -> Mapping[str, Any] | None:
        """What the vendor says was used, for the operator to compare; None where it doesn't say."""
        return None

    def estimate_cost(self, model: str, usage: Usage) -> Decimal | None:
        """Dollars that this usage costs; both the hold and what is booked go by it.

        None leaves it to the price list, where a model that isn't listed is charged at a ceiling.
        """
        return None


def installed() -> tuple[str, ...]:
    """The names of the adapters that are installed, without loading any."""
    return tuple(sorted(each.name for each in entry_points(group=GROUP)))


@cache
def load(name: str) -> type[Provider]:
    """The adapter of a name. Raises `LookupError` naming those there are, `TypeError` for what is none."""
    found = [each for each in entry_points(group=GROUP) if each.name == name]
    if not found:
        raise LookupError(
            f"there is no adapter {name!r} here; installed are: {', '.join(installed()) or 'none'}"
        )
    loaded = found[0].load()
    if not (isinstance(loaded, type) and issubclass(loaded, Provider)):
        raise TypeError(f"the adapter {name!r} is no subclass of orchestrator.adapters.Provider")
    return loaded
