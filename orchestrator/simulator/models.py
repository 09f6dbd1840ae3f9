"""The models the simulator pretends to have: their dated names, context sizes and prices.

Prices are plain figures in nano-dollars per token (1 dollar per million tokens = 1,000 nano-dollars per
token), copied from OpenAI's published price list (https://platform.openai.com/docs/pricing, standard tier).
A model that isn't listed is served under its own name and billed at a stated default price.
"""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Price:
    """Nano-dollars per token; `cached` is what an input token costs that was read from the vendor's cache."""

    input: int
    cached: int
    output: int


@dataclass(frozen=True, slots=True)
class Model:
    """A model as served: `name` is what the answer says served it."""

    name: str
    price: Price
    context_tokens: int
    listed: bool = True


DEFAULT_PRICE: Final = Price(input=1_000, cached=500, output=4_000)
DEFAULT_CONTEXT_TOKENS: Final = 1_000_000
MISSING_PREFIX: Final = "missing-"

LISTED: Final[dict[str, Model]] = {
    "gpt-5": Model("gpt-5-2025-08-07", Price(1_250, 125, 10_000), 400_000),
    "gpt-5-mini": Model("gpt-5-mini-2025-08-07", Price(250, 25, 2_000), 400_000),
    "gpt-5-nano": Model("gpt-5-nano-2025-08-07", Price(50, 5, 400), 400_000),
    "gpt-4.1": Model("gpt-4.1-2025-04-14", Price(2_000, 500, 8_000), 1_047_576),
    "gpt-4.1-mini": Model("gpt-4.1-mini-2025-04-14", Price(400, 100, 1_600), 1_047_576),
    "gpt-4o": Model("gpt-4o-2024-08-06", Price(2_500, 1_250, 10_000), 128_000),
    "gpt-4o-mini": Model("gpt-4o-mini-2024-07-18", Price(150, 75, 600), 128_000),
    "o4-mini": Model("o4-mini-2025-04-16", Price(1_100, 275, 4_400), 200_000),
}
_BY_NAME: Final = LISTED | {model.name: model for model in LISTED.values()}
_REASONING: Final = re.compile(r"o[134]|gpt-5")
_FIXED_SAMPLING: Final = re.compile(r"(o[134](-mini|-pro)?|gpt-5(-mini|-nano|-pro)?)(-\d{4}-\d\d-\d\d)?")


def find(name: str) -> Model | None:
    """The model that serves the name; None for the names that are kept for models that don't exist."""
    if name.startswith(MISSING_PREFIX):
        return None
    return _BY_NAME.get(name) or Model(name, DEFAULT_PRICE, DEFAULT_CONTEXT_TOKENS, listed=False)


def reasons(name: str) -> bool:
    """Whether the model spends tokens on thinking before it answers."""
    return _REASONING.match(name) is not None


def refuses_sampling(name: str) -> bool:
    """Whether the vendor refuses `max_tokens` and any temperature but 1 for the model."""
    return _FIXED_SAMPLING.fullmatch(name) is not None
