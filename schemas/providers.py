"""Who answers: vendors, configured providers, and the candidates a task may go to."""

from enum import StrEnum
from typing import Annotated, Final, NewType
from uuid import UUID

from pydantic import AfterValidator, Field

from schemas.base import Value
from schemas.copilot import CopilotOptions
from schemas.custom import CustomFormat
from schemas.manners import CircuitPolicy, Fee, HealthPolicy, RetryPolicy, Timeouts
from schemas.spellings import VENDORS, joined

ProviderId = NewType("ProviderId", UUID)

_OURS: Final = frozenset(
    {
        "accept", "anthropic-version", "api-key", "authorization", "connection", "content-encoding",
        "content-length", "content-type", "cookie", "expect", "host", "keep-alive", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "x-api-key",
        "x-client-request-id", "x-goog-api-key",
    }
)  # fmt: skip


def _may_be_set(name: str) -> str:
    if name.lower() in _OURS:
        raise ValueError(f"must not set {name}: Orchestrator sets it, or it would carry a credential")
    return name


HeaderName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$"), AfterValidator(_may_be_set)
]
HeaderValue = Annotated[str, Field(pattern=r"^[ -~]{0,1000}$")]


class Vendor(StrEnum):
    """The bounded list of vendors; each has one Celery queue."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GOOGLE = "google"
    AZURE = "azure"
    HUGGINGFACE = "huggingface"
    OPENROUTER = "openrouter"
    GROQ = "groq"
    MISTRAL = "mistral"
    DEEPSEEK = "deepseek"
    XAI = "xai"
    COPILOT = "copilot"
    OLLAMA = "ollama"
    LMSTUDIO = "lmstudio"
    CUSTOM = "custom"

    @classmethod
    def _missing_(cls, value: object) -> "Vendor | None":
        return vendor_of(value) if isinstance(value, str) else None


def vendor_of(spelling: str, server_type: str | None = None) -> Vendor | None:
    """The vendor that a name means, in any of its spellings; `local` is decided by `server_type`.

    Ollama speaks a format of its own; the other local servers speak OpenAI's, as LM Studio does.
    """
    name = joined(spelling)
    if name == "local":
        served = joined(server_type or "local")
        return Vendor.OLLAMA if served in ("local", "ollama") else Vendor.LMSTUDIO
    return next((vendor for vendor in Vendor if vendor.value == VENDORS.get(name, name)), None)


class Wire(StrEnum):
    """The HTTP formats spoken."""

    OPENAI_CHAT = "openai_chat"
    OPENAI_RESPONSES = "openai_responses"
    ANTHROPIC_MESSAGES = "anthropic_messages"
    GEMINI = "gemini"
    OLLAMA = "ollama"
    COPILOT = "copilot"
    CUSTOM = "custom"
    ADAPTER = "adapter"


CHORES_QUEUE: Final = "chores"


def queue_of(vendor: Vendor) -> str:
    """The Celery queue of a vendor, for example `provider.openai`."""
    return f"provider.{vendor}"


QUEUES: Final = tuple(queue_of(vendor) for vendor in Vendor)


class ServerType(StrEnum):
    """Which server a local or self-hosted endpoint runs."""

    OLLAMA = "ollama"
    LMSTUDIO = "lmstudio"
    VLLM = "vllm"
    LLAMACPP = "llamacpp"
    OTHER = "other"


class ProviderOptions(Value):
    """What some vendors need beside address and credential."""

    organization: str | None = Field(
        None, pattern=r"^[!-~]{1,200}$", description="OpenAI's organization to be billed"
    )
    project: str | None = Field(None, pattern=r"^[!-~]{1,200}$", description="OpenAI's project")
    anthropic_version: str | None = Field(
        None,
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        description="Anthropic's version of the API, such as 2023-06-01",
    )
    api_version: str | None = Field(
        None,
        pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?|v1|latest|preview)$",
        description="Azure's version of the API",
    )
    server_type: ServerType | None = Field(None, description="which server a self-hosted endpoint runs")
    copilot: CopilotOptions | None = None
    custom: CustomFormat | None = Field(None, description="what is spoken on the wire `custom`")
    adapter: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_.-]{1,100}$", description="the own adapter that asks it"
    )
    adapter_settings: Annotated[
        dict[
            Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=1000)] | int | float | bool
        ],
        Field(
            max_length=50, description="what the adapter needs to know, kept and shown as it is: no secrets"
        ),
    ] = Field(default_factory=dict)
    embedding_model: str | None = Field(
        None, pattern=r"^[!-~]{1,200}$", description="the model that it is asked for embeddings of"
    )
    structured_output: bool | None = Field(
        None, description="whether its models can be held to a JSON Schema; without it the catalogue says"
    )
    custom_headers: Annotated[
        dict[HeaderName, HeaderValue],
        Field(max_length=20, description="sent with every request, kept and shown as they are: no secrets"),
    ] = Field(default_factory=dict)
    monthly_fee_usd: Fee | None = Field(
        None,
        description="what is paid for it a month whatever is asked, booked once a month (UTC); one more call "
        "then costs nothing, but for Copilot's, whose `billing` says so",
    )
    timeouts: Timeouts | None = Field(None, description="how long it is waited for")
    retry: RetryPolicy | None = Field(None, description="how its failures are retried")
    circuit: CircuitPolicy | None = Field(None, description="when its failures keep tasks from it")
    health: HealthPolicy | None = Field(None, description="when it counts as degraded or down")

    @property
    def headers(self) -> dict[str, str]:
        """What is sent with every request, whatever the wire; a wire's own headers go before them."""
        named = {"OpenAI-Organization": self.organization, "OpenAI-Project": self.project}
        return {**self.custom_headers, **{name: value for name, value in named.items() if value}}


class Provider(Value):
    """A tenant's configured account or endpoint at a vendor; `credential` names where the secret is."""

    id: UUID
    name: str
    vendor: Vendor
    wire: Wire
    base_url: str
    model: str
    credential: str = Field(
        description="`env:NAME`, `sealed:FINGERPRINT`, or `none` where the endpoint takes no key"
    )
    simulated: bool = False
    concurrency_limit: int | None = None
    options: ProviderOptions = Field(default_factory=ProviderOptions)
    trusted: bool = Field(False, description="set up by the operator: its address may be a private one")


class Candidate(Value):
    """A provider a task may go to, with the model to ask there; in the order they are tried."""

    provider_id: UUID
    name: str
    vendor: Vendor
    model: str
