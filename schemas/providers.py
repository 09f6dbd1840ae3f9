"""Who answers: vendors, configured providers, and the candidates a task may go to."""

from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

from pydantic import Field

from schemas.base import Value

ProviderId = NewType("ProviderId", UUID)


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


class Wire(StrEnum):
    """The HTTP formats spoken."""

    OPENAI_CHAT = "openai_chat"
    OPENAI_RESPONSES = "openai_responses"
    ANTHROPIC_MESSAGES = "anthropic_messages"
    GEMINI = "gemini"
    OLLAMA = "ollama"


CHORES_QUEUE: Final = "chores"


def queue_of(vendor: Vendor) -> str:
    """The Celery queue of a vendor, for example `provider.openai`."""
    return f"provider.{vendor}"


QUEUES: Final = tuple(queue_of(vendor) for vendor in Vendor)


class Provider(Value):
    """A tenant's configured account or endpoint at a vendor; `credential` names where the secret is."""

    id: UUID
    name: str
    vendor: Vendor
    wire: Wire
    base_url: str
    model: str
    credential: str = Field(description="`env:NAME`, or `none` where the endpoint takes no key")
    simulated: bool = False
    concurrency_limit: int | None = None


class Candidate(Value):
    """A provider a task may go to, with the model to ask there; in the order they are tried."""

    provider_id: UUID
    name: str
    vendor: Vendor
    model: str
