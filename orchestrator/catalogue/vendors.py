"""What is known of each vendor: where it answers, what it speaks, how its key travels, whose prices hold.

One row a vendor. A provider's own URL and wire come before the row's; the host a request goes to is the
provider's alone, whatever its model is called and whatever stands in its query.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from schemas.addresses import leads_up
from schemas.providers import Provider, Vendor, Wire


class KeyHeader(StrEnum):
    """The header that a key travels in; `Authorization` takes it as a bearer token."""

    AUTHORIZATION = "Authorization"
    X_API_KEY = "x-api-key"
    API_KEY = "api-key"
    X_GOOG_API_KEY = "x-goog-api-key"


@dataclass(frozen=True, slots=True)
class VendorFacts:
    """A vendor's row.

    `base_url` and `wire`: where and how it is spoken to if a provider says nothing else; None where there
    is no usual place. `key`: None where the wire decides, as at Anthropic and Google, whose compatible
    endpoints take keys as OpenAI does. `environment`: the usual names of its key, the first one preferred;
    empty where usually none is needed. `embeds`: its usual embedding model. `prices`: its name in the price
    library. `flat`: paid by the month, so that one more call costs nothing. `limit_field` and the last four:
    its ways with OpenAI's chat wire.
    """

    base_url: str | None
    wire: Wire | None
    key: KeyHeader | None = KeyHeader.AUTHORIZATION
    environment: tuple[str, ...] = ()
    model: str | None = None
    embeds: str | None = None
    prices: str | None = None
    local: bool = False
    flat: bool = False
    limit_field: str = "max_tokens"
    takes_stream_options: bool = True
    takes_json_schema: bool = True
    tells_cost: bool = False
    takes_tier: bool = False


FACTS: Final[dict[Vendor, VendorFacts]] = {
    Vendor.OPENAI: VendorFacts(
        base_url="https://api.openai.com/v1",
        wire=Wire.OPENAI_CHAT,
        environment=("OPENAI_API_KEY",),
        model="gpt-6-luna",
        embeds="text-embedding-3-small",
        prices="openai",
        limit_field="max_completion_tokens",
        takes_tier=True,
    ),
    Vendor.ANTHROPIC: VendorFacts(
        base_url="https://api.anthropic.com",
        wire=Wire.ANTHROPIC_MESSAGES,
        key=None,
        environment=("ANTHROPIC_API_KEY",),
        model="claude-sonnet-4-6",
        prices="anthropic",
    ),
    Vendor.GOOGLE: VendorFacts(
        base_url="https://generativelanguage.googleapis.com/v1beta",
        wire=Wire.GEMINI,
        key=None,
        environment=("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        model="gemini-3.5-flash",
        embeds="gemini-embedding-001",
        prices="google",
    ),
    Vendor.AZURE: VendorFacts(
        base_url=None,
        wire=Wire.OPENAI_CHAT,
        key=KeyHeader.API_KEY,
        environment=("AZURE_OPENAI_API_KEY",),
        prices="azure",
        limit_field="max_completion_tokens",
    ),
    Vendor.HUGGINGFACE: VendorFacts(
        base_url="https://router.huggingface.co/v1",
        wire=Wire.OPENAI_CHAT,
        environment=("HF_TOKEN",),
        model="openai/gpt-oss-120b:cerebras",
    ),
    Vendor.OPENROUTER: VendorFacts(
        base_url="https://openrouter.ai/api/v1",
        wire=Wire.OPENAI_CHAT,
        environment=("OPENROUTER_API_KEY",),
        model="openai/gpt-6-luna",
        prices="openrouter",
        tells_cost=True,
    ),
    Vendor.GROQ: VendorFacts(
        base_url="https://api.groq.com/openai/v1",
        wire=Wire.OPENAI_CHAT,
        environment=("GROQ_API_KEY",),
        model="openai/gpt-oss-120b",
        prices="groq",
        limit_field="max_completion_tokens",
    ),
    Vendor.MISTRAL: VendorFacts(
        base_url="https://api.mistral.ai/v1",
        wire=Wire.OPENAI_CHAT,
        environment=("MISTRAL_API_KEY",),
        model="mistral-medium-latest",
        embeds="mistral-embed",
        prices="mistral",
        takes_stream_options=False,
    ),
    Vendor.DEEPSEEK: VendorFacts(
        base_url="https://api.deepseek.com/v1",
        wire=Wire.OPENAI_CHAT,
        environment=("DEEPSEEK_API_KEY",),
        model="deepseek-chat",
        prices="deepseek",
        takes_json_schema=False,
    ),
    Vendor.XAI: VendorFacts(
        base_url="https://api.x.ai/v1",
        wire=Wire.OPENAI_CHAT,
        environment=("XAI_API_KEY",),
        model="grok-code-fast-1",
        prices="x-ai",
        limit_field="max_completion_tokens",
    ),
    Vendor.COPILOT: VendorFacts(
        base_url="https://api.github.com",
        wire=Wire.COPILOT,
        environment=("GITHUB_TOKEN", "GH_TOKEN"),
        flat=True,
    ),
    Vendor.OLLAMA: VendorFacts(base_url="http://127.0.0.1:11434", wire=Wire.OLLAMA, local=True),
    Vendor.LMSTUDIO: VendorFacts(base_url="http://127.0.0.1:1234/v1", wire=Wire.OPENAI_CHAT, local=True),
    Vendor.CUSTOM: VendorFacts(base_url=None, wire=Wire.OPENAI_CHAT, key=None),
}

AZURE_API_VERSION: Final = "2024-10-21"
"""For Azure's older URLs that name no version: the last dated one that is generally available."""

_KEY_BY_WIRE: Final[dict[Wire, KeyHeader]] = {
    Wire.ANTHROPIC_MESSAGES: KeyHeader.X_API_KEY,
    Wire.GEMINI: KeyHeader.X_GOOG_API_KEY,
}
_JSON_WEB_TOKEN: Final = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
_AZURE_DEPLOYMENT: Final = re.compile(r"/openai/deployments/[^/]+/?")


def key_header(vendor: Vendor, wire: Wire) -> KeyHeader:
    """The header that a key for this vendor travels in on this wire."""
    return FACTS[vendor].key or _KEY_BY_WIRE.get(wire, KeyHeader.AUTHORIZATION)


def key_headers(provider: Provider, credential: str | None) -> dict[str, str]:
    """The header that carries the provider's key; none where it has no key.

    Azure takes a key and a Microsoft Entra token in different headers; a token is known by its form.
    """
    if credential is None:
        return {}
    if provider.wire is Wire.CUSTOM and provider.options.custom is not None:
        form = provider.options.custom.auth
        return {form.header: form.prefix + credential}
    header = key_header(provider.vendor, provider.wire)
    if provider.vendor is Vendor.AZURE and _JSON_WEB_TOKEN.fullmatch(credential):
        header = KeyHeader.AUTHORIZATION
    return {header: f"Bearer {credential}" if header is KeyHeader.AUTHORIZATION else credential}


def address_of(base_url: str) -> str:
    """A base URL without its query and fragment: what the paths of requests are put below."""
    return base_url.partition("#")[0].partition("?")[0].rstrip("/")


def path_of(provider: Provider, path: str) -> str:
    """A path below the provider's base URL, with the query that belongs to every request of it.

    Azure's URLs of the older form (`…/openai/deployments/{name}`) need a version, the newer ones
    (`…/openai/v1`) take none. Raises `ValueError` for a path that could lead elsewhere.
    """
    if not re.fullmatch(r"/(?!/)[!-~]*", path) or "\\" in path or "#" in path:
        raise ValueError(f"the path {path[:100]!r} does not lead below the provider's URL")
    if leads_up(path):
        raise ValueError(f"the path {path[:100]!r} has '.' or '..' as a whole part, and so leads elsewhere")
    parts = urlsplit(provider.base_url)
    query = parts.query
    if provider.vendor is Vendor.AZURE and _AZURE_DEPLOYMENT.fullmatch(parts.path):
        versioned = any(field.startswith("api-version=") for field in query.split("&"))
        query = (
            query
            if versioned
            else f"{query}&api-version={provider.options.api_version or AZURE_API_VERSION}".lstrip("&")
        )
    return f"{path}{'&' if '?' in path else '?'}{query}" if query else path
