"""Which of a vendor's service tiers is asked for: `flex`, slower and cheaper, by tasks that have the time.

What was served is what is priced, whatever was asked for.
"""

from datetime import datetime
from functools import lru_cache
from typing import Final

from orchestrator.catalogue import prices
from orchestrator.catalogue.vendors import FACTS
from schemas.calls import Usage
from schemas.providers import Vendor
from schemas.routing import SpeedPriority

FLEX: Final = "flex"
FLEX_SECONDS: Final = 900.0
"""What OpenAI advises to wait for an answer of this tier; a task with less time doesn't ask for it."""

_MILLION: Final = Usage(input_tokens=1_000_000, output_tokens=1_000_000)


def tier_asked(
    vendor: Vendor, model: str, speed: SpeedPriority, seconds_left: float, hour: datetime
) -> str | None:
    """The tier to ask for; None for the vendor's usual one."""
    patient = speed is SpeedPriority.ECONOMY and seconds_left >= FLEX_SECONDS
    return FLEX if patient and _is_cheaper(vendor, model, hour) else None


@lru_cache(maxsize=4096)
def _is_cheaper(vendor: Vendor, model: str, hour: datetime) -> bool:
    """Whether the vendor sells the model at this tier, as far as the price list knows."""
    if not FACTS[vendor].takes_tier:
        return False
    usual, flex = (prices.cost(vendor, model, tier, _MILLION, hour) for tier in (None, FLEX))
    return not flex.estimated and flex.nanos < usual.nanos
