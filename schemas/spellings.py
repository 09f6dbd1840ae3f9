"""Other names of the field's for what is ours: the one table of them. They are taken, and never given back.

Case, and whether words are joined by `-` or `_`, make no difference in a vendor's or a strategy's name.
"""

from typing import Final

VENDORS: Final[dict[str, str]] = {
    "chatgpt": "openai",
    "claude": "anthropic",
    "gemini": "google",
    "google-codey": "google",
    "github-copilot": "copilot",
    "azure-openai": "azure",
    "x-ai": "xai",
    "grok": "xai",
    "lm-studio": "lmstudio",
}
"""`local` is not among them: it is what `options.server_type` says, see `schemas.providers.vendor_of`."""

STRATEGIES: Final[dict[str, str]] = {
    "performance": "fastest",
    "cost-optimization": "cheapest",
    "round-robin": "round_robin",
}

ADDRESSES: Final[dict[str, str]] = {
    "/api/v1/statistics": "/api/v1/tasks/stats",
    "/api/v1/healthy-providers": "/api/v1/providers?healthy=true",
    "/api/v1/chat/completions": "/openai/v1/chat/completions",
    "/api/v1/completions": "/openai/v1/completions",
    "/api/v1/embeddings": "/openai/v1/embeddings",
}
"""Further addresses of endpoints; the API's document names only the ones they stand for."""


def joined(name: str) -> str:
    """A name as the tables have it."""
    return name.strip().lower().replace("_", "-")
