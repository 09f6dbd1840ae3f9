"""The models the simulator pretends to have, vendor by vendor: served names, context sizes and prices.

Prices are plain figures in nano-dollars per token (1 dollar per million tokens = 1,000 nano-dollars per
token), copied from the vendors' published price lists of November 2026, standard tier. A model that isn't
listed is served under its own name and billed at a stated default price; on Ollama every model is free.
"""

import re
from dataclasses import dataclass
from typing import Final

OPENAI: Final = "openai"
ANTHROPIC: Final = "anthropic"
GOOGLE: Final = "google"
OLLAMA: Final = "ollama"


@dataclass(frozen=True, slots=True)
class Price:
    """Nano-dollars per token: fresh input, input read from the vendor's cache, input written to it, output.

    Thinking is charged as output by every vendor.
    """

    input: int
    cached: int
    output: int
    written: int = 0
    written_hour: int = 0


@dataclass(frozen=True, slots=True)
class Model:
    """A model as served: `name` is what the answer says served it.

    `long` is the price of all tokens once the prompt has more than `long_from`; `flex` says that it is sold
    at half the price to those who can wait.
    """

    name: str
    price: Price
    context_tokens: int
    listed: bool = True
    long: Price | None = None
    long_from: int = 0
    dimensions: int | None = None
    flex: bool = False

    def price_of(self, prompt_tokens: int) -> Price:
        """What a token costs beside a prompt of that size."""
        return self.long if self.long is not None and prompt_tokens > self.long_from else self.price


DEFAULT_PRICE: Final = Price(input=1_000, cached=500, output=4_000, written=1_250, written_hour=2_000)
FREE: Final = Price(0, 0, 0)
DEFAULT_CONTEXT_TOKENS: Final = 1_000_000
MISSING_PREFIX: Final = "missing-"

_LISTED_OPENAI: Final[dict[str, Model]] = {
    "gpt-5": Model("gpt-5-2025-08-07", Price(1_250, 125, 10_000), 400_000, flex=True),
    "gpt-5-mini": Model("gpt-5-mini-2025-08-07", Price(250, 25, 2_000), 400_000, flex=True),
    "gpt-5-nano": Model("gpt-5-nano-2025-08-07", Price(50, 5, 400), 400_000, flex=True),
    "gpt-6-luna": Model(
        "gpt-6-luna",
        Price(100, 10, 500, 125),
        1_050_000,
        long=Price(200, 20, 750, 250),
        long_from=272_000,
        flex=True,
    ),
    "gpt-5.6-luna": Model(
        "gpt-5.6-luna",
        Price(200, 20, 1_200, 250),
        1_050_000,
        long=Price(400, 40, 1_800, 500),
        long_from=272_000,
        flex=True,
    ),
    "gpt-4.1": Model("gpt-4.1-2025-04-14", Price(2_000, 500, 8_000), 1_047_576),
    "gpt-4.1-mini": Model("gpt-4.1-mini-2025-04-14", Price(400, 100, 1_600), 1_047_576),
    "gpt-4o": Model("gpt-4o-2024-08-06", Price(2_500, 1_250, 10_000), 128_000),
    "gpt-4o-mini": Model("gpt-4o-mini-2024-07-18", Price(150, 75, 600), 128_000),
    "o4-mini": Model("o4-mini-2025-04-16", Price(1_100, 275, 4_400), 200_000),
    "text-embedding-3-small": Model("text-embedding-3-small", Price(20, 20, 0), 8_192, dimensions=1_536),
    "text-embedding-3-large": Model("text-embedding-3-large", Price(130, 130, 0), 8_192, dimensions=3_072),
}
_LISTED_ANTHROPIC: Final[dict[str, Model]] = {
    "claude-opus-5-5": Model("claude-opus-5-5", Price(4_000, 200, 20_000, 5_000, 8_000), 1_000_000),
    "claude-sonnet-5-5": Model("claude-sonnet-5-5", Price(2_000, 100, 10_000, 2_500, 4_000), 1_000_000),
    "claude-haiku-5-5": Model(
        "claude-haiku-5-5",
        Price(100, 10, 500, 125, 200),
        1_000_000,
        long=Price(500, 50, 2_500, 625, 1_000),
        long_from=100_000,
    ),
    "claude-sonnet-4-6": Model("claude-sonnet-4-6", Price(3_000, 300, 15_000, 3_750, 6_000), 1_000_000),
    "claude-opus-4-5": Model("claude-opus-4-5-20251101", Price(5_000, 500, 25_000, 6_250, 10_000), 200_000),
    "claude-haiku-4-5": Model("claude-haiku-4-5-20251001", Price(1_000, 100, 5_000, 1_250, 2_000), 200_000),
}
_LISTED_GOOGLE: Final[dict[str, Model]] = {
    "gemini-2.5-pro": Model(
        "gemini-2.5-pro",
        Price(1_250, 125, 10_000),
        1_048_576,
        long=Price(2_500, 250, 15_000),
        long_from=200_000,
    ),
    "gemini-2.5-flash": Model("gemini-2.5-flash", Price(300, 30, 2_500), 1_048_576),
    "gemini-2.5-flash-lite": Model("gemini-2.5-flash-lite", Price(100, 10, 400), 1_048_576),
    "gemini-3.1-pro-preview": Model(
        "gemini-3.1-pro-preview",
        Price(2_000, 200, 12_000),
        1_048_576,
        long=Price(4_000, 400, 18_000),
        long_from=200_000,
    ),
    "gemini-3.5-flash": Model("gemini-3.5-flash", Price(1_500, 150, 9_000), 1_048_576),
    "gemini-embedding-001": Model("gemini-embedding-001", Price(150, 150, 0), 2_048, dimensions=3_072),
}
_LISTED_OLLAMA: Final[dict[str, Model]] = {
    name: Model(name, FREE, 131_072)
    for name in ("gpt-oss:20b", "llama3.2:latest", "qwen2.5-coder:7b", "qwen3:8b")
} | {"nomic-embed-text:latest": Model("nomic-embed-text:latest", FREE, 2_048, dimensions=768)}
LISTED: Final[dict[str, dict[str, Model]]] = {
    OPENAI: _LISTED_OPENAI,
    ANTHROPIC: _LISTED_ANTHROPIC,
    GOOGLE: _LISTED_GOOGLE,
    OLLAMA: _LISTED_OLLAMA,
}
_BY_NAME: Final = {
    vendor: listed | {model.name: model for model in listed.values()} for vendor, listed in LISTED.items()
}
_THINKING: Final = {
    OPENAI: re.compile(r"o[134]|gpt-[56]"),
    # Up to 4.6 thinking is only done when asked for; from the fifth generation on unless it is refused.
    ANTHROPIC: re.compile(r"claude-[a-z]+-5"),
    GOOGLE: re.compile(r"gemini-(2\.5-(pro|flash(?!-lite))|[3-9])"),
    OLLAMA: re.compile(r"(qwen3|gpt-oss|deepseek-r1)\b"),
}
_FIXED_SAMPLING: Final = {
    OPENAI: re.compile(
        r"(o[134](-mini|-pro)?|gpt-5(-mini|-nano|-pro)?)(-\d{4}-\d\d-\d\d)?|(gpt-5\.6|gpt-6)-\w+"
    ),
    ANTHROPIC: re.compile(r"claude-(opus-4-[78]|[a-z]+-[5-9])(-.*)?"),
}


def find(vendor: str, name: str) -> Model | None:
    """The model that serves the name; None for the names that are kept for models that don't exist."""
    if name.startswith(MISSING_PREFIX):
        return None
    known = _BY_NAME[vendor].get(name)
    if known is not None:
        return known
    price = FREE if vendor == OLLAMA else DEFAULT_PRICE
    return Model(name, price, DEFAULT_CONTEXT_TOKENS, listed=vendor == OLLAMA)


def names(vendor: str) -> list[str]:
    """Every name a listed model answers to, in order."""
    return sorted(_BY_NAME[vendor])


def reasons(vendor: str, name: str) -> bool:
    """Whether the model spends tokens on thinking before it answers, unless told otherwise."""
    return _THINKING[vendor].match(name) is not None


def refuses_sampling(vendor: str, name: str) -> bool:
    """Whether the vendor refuses a temperature for the model (OpenAI: any but 1, and `max_tokens` too)."""
    fixed = _FIXED_SAMPLING.get(vendor)
    return fixed is not None and fixed.fullmatch(name) is not None
