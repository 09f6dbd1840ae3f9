"""What a task is likely to cost at a model, before it runs: for comparing providers, quickly.

Prices are asked for at token counts rounded up to the next sixteenth of a power of two and for the hour,
so that the same question is seldom asked twice; an estimate is never below the price of its tokens.
"""

from datetime import datetime
from functools import lru_cache
from typing import Final

from orchestrator.catalogue import prices
from orchestrator.catalogue.models import CostModel, cost_model
from schemas.calls import Usage
from schemas.providers import Vendor

TYPICAL_OUTPUT: Final = 2_000
"""Output tokens of a call at a provider that has not been measured yet."""


def estimate(
    vendor: Vendor, model: str, input_tokens: int, output_tokens: int, at: datetime, tier: str | None = None
) -> int:
    """Nano-dollars one call is likely to cost at the full hour `at`: 0 where it is free or paid by the month.

    An unpriced model is estimated at the ceiling that it would be charged at.
    """
    if cost_model(vendor) is not CostModel.PER_TOKEN:
        return 0
    return _priced(vendor, model, rounded_up(input_tokens), rounded_up(output_tokens), at, tier)


def full_hour(at: datetime) -> datetime:
    """The hour whose prices are taken."""
    return at.replace(minute=0, second=0, microsecond=0)


def rounded_up(tokens: int) -> int:
    """The next count with at most five significant bits; at most 6.25 % more."""
    shift = max(0, tokens.bit_length() - 5)
    return -(-tokens >> shift) << shift


@lru_cache(maxsize=16_384)
def _priced(
    vendor: Vendor, model: str, input_tokens: int, output_tokens: int, at: datetime, tier: str | None
) -> int:
    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    return prices.cost(vendor, model, tier, usage, at).nanos
