"""What calls cost, in integer nano-dollars, from the library `genai-prices`.

An unknown model or service tier is unpriced and charged at an explicit ceiling, never at 0. Models
that run on the caller's own machine cost a known 0, and so does one more call within a plan that is
paid by the month. What a vendor says that it charged comes before any
table, if it is one that bills so. Fractions of a nano-dollar are rounded up.
"""

from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Final

import genai_prices
from genai_prices import calc_price

from orchestrator.catalogue.vendors import FACTS
from schemas.calls import NANOS_PER_DOLLAR, Cost, Usage
from schemas.providers import Vendor

SOURCE: Final = "genai-prices"
CEILING_SOURCE: Final = "ceiling"
LOCAL_SOURCE: Final = "local"
FLAT_SOURCE: Final = "flat_plan"
VENDOR_SOURCE: Final = "vendor"
CEILING_INPUT: Final = 30_000
CEILING_OUTPUT: Final = 180_000
"""Nano-dollars a token where no price is known: $30 and $180 per million."""

LOCAL: Final = frozenset(vendor for vendor, facts in FACTS.items() if facts.local)
FLAT: Final = frozenset(vendor for vendor, facts in FACTS.items() if facts.flat)
_STANDARD: Final = frozenset({None, "", "auto", "default", "standard", "on_demand"})
_DEARER: Final = frozenset({"priority"})
_CONTEXTS: Final = {
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "batch": {"processing": "batch"},
}
KNOWN_TIERS: Final = _STANDARD | _CONTEXTS.keys()
_HUGGINGFACE_PREFIX: Final = "huggingface_"


def charged(vendor: Vendor, nanos: int | None) -> Cost | None:
    """The vendor's own charge for a call, where it told one and is a vendor that bills by it."""
    if nanos is None or not FACTS[vendor].tells_cost:
        return None
    return Cost(nanos=nanos, source=VENDOR_SOURCE, version="1")


def of_a_plan() -> Cost:
    """One more call within a plan that is paid by the month: a known 0."""
    return Cost(nanos=0, source=FLAT_SOURCE, version="1")


def priced_model(vendor: Vendor, asked: str, served: str | None) -> str:
    """The model whose price holds: the served one; at HuggingFace the asked one, which pins who serves it."""
    return asked if vendor is Vendor.HUGGINGFACE else served or asked


def cost(vendor: Vendor, model: str, tier: str | None, usage: Usage, at: datetime) -> Cost:
    """What `usage` of the served `model` and `tier` costs at the prices valid at `at`."""
    if vendor in LOCAL or vendor in FLAT:
        return Cost(nanos=0, source=LOCAL_SOURCE if vendor in LOCAL else FLAT_SOURCE, version="1")
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
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
        output_tokens=usage.output_tokens,
    )
    library, name = _named(vendor, model)
    try:
        price = calc_price(
            counted,
            name,
            provider_id=library,
            genai_request_timestamp=at,
            price_context=_CONTEXTS.get(tier or ""),
        )
    except (LookupError, ValueError):
        return None
    return int((Decimal(price.total_price) * NANOS_PER_DOLLAR).to_integral_value(ROUND_CEILING))


def _named(vendor: Vendor, model: str) -> tuple[str | None, str]:
    """What the library calls vendor and model; at HuggingFace who stands after the colon serves and bills."""
    if vendor is Vendor.HUGGINGFACE:
        name, _, served_by = model.rpartition(":")
        return _HUGGINGFACE_PREFIX + served_by, name
    return FACTS[vendor].prices, model
