"""What calls cost, in integer nano-dollars, from the library `genai-prices`.

An unknown model or service tier is unpriced and charged at an explicit ceiling, never at 0. Models
that run on the caller's own machine cost a known 0. Fractions of a nano-dollar are rounded up.
"""

from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Final

import genai_prices
from genai_prices import calc_price

from schemas.calls import NANOS_PER_DOLLAR, Cost, Usage
from schemas.providers import Vendor

SOURCE: Final = "genai-prices"
CEILING_SOURCE: Final = "ceiling"
LOCAL_SOURCE: Final = "local"
CEILING_INPUT: Final = 30_000
CEILING_OUTPUT: Final = 180_000
"""Nano-dollars a token where no price is known: $30 and $180 per million."""

LOCAL: Final = frozenset({Vendor.OLLAMA, Vendor.LMSTUDIO})
KNOWN_TIERS: Final = frozenset({None, "", "auto", "default", "standard", "flex", "priority", "batch"})
_STANDARD: Final = frozenset({None, "", "auto", "default", "standard"})
_DEARER: Final = frozenset({"priority"})
_LIBRARY_NAMES: Final[dict[Vendor, str]] = {
    Vendor.OPENAI: "openai",
    Vendor.ANTHROPIC: "anthropic",
    Vendor.GOOGLE: "google",
    Vendor.AZURE: "azure",
}


def cost(vendor: Vendor, model: str, tier: str | None, usage: Usage, at: datetime) -> Cost:
    """What `usage` of the served `model` and `tier` costs at the prices valid at `at`."""
    if vendor in LOCAL:
        return Cost(nanos=0, source=LOCAL_SOURCE, version="1")
    nanos = _priced(vendor, model, tier, usage, at) if tier in KNOWN_TIERS else None
    if tier in _DEARER and nanos == _priced(vendor, model, None, usage, at):
        nanos = None  # the library knows no price of this tier and gave the standard one
    if nanos is None:
        ceiling = usage.input_tokens * CEILING_INPUT + usage.output_tokens * CEILING_OUTPUT
        return Cost(nanos=ceiling, source=CEILING_SOURCE, version="1", estimated=True)
    return Cost(nanos=nanos, source=SOURCE, version=genai_prices.__version__)


def upper_bound(vendor: Vendor, model: str, input_tokens: int, max_output_tokens: int, at: datetime) -> int:
    """Nano-dollars one call may cost at most: the whole output used, the input at its dearest.

    Nothing is read from a cache; all of it may be written to one, which some vendors charge more for.
    """
    plain = Usage(input_tokens=input_tokens, output_tokens=max_output_tokens)
    written = plain.model_copy(update={"cache_write_tokens": input_tokens})
    return max(cost(vendor, model, None, usage, at).nanos for usage in (plain, written))


def _priced(vendor: Vendor, model: str, tier: str | None, usage: Usage, at: datetime) -> int | None:
    counted = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        output_tokens=usage.output_tokens,
    )
    context = None if tier in _STANDARD or tier is None else {"service_tier": tier}
    try:
        price = calc_price(
            counted,
            model,
            provider_id=_LIBRARY_NAMES.get(vendor),
            genai_request_timestamp=at,
            price_context=context,
        )
    except (LookupError, ValueError):
        return None
    return int((Decimal(price.total_price) * NANOS_PER_DOLLAR).to_integral_value(ROUND_CEILING))
