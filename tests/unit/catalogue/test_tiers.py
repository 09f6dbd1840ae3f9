"""The cheaper tier is asked for by those who have the time, where the vendor sells it."""

from datetime import UTC, datetime

import pytest

from orchestrator.catalogue.estimates import estimate
from orchestrator.catalogue.tiers import FLEX, FLEX_SECONDS, tier_asked
from schemas.providers import Vendor
from schemas.routing import SpeedPriority

HOUR = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("vendor", "model", "speed", "seconds", "tier"),
    [
        (Vendor.OPENAI, "gpt-5-mini", SpeedPriority.ECONOMY, FLEX_SECONDS, FLEX),
        (Vendor.OPENAI, "gpt-5-mini-2025-08-07", SpeedPriority.ECONOMY, 86_400, FLEX),
        (Vendor.OPENAI, "gpt-5-mini", SpeedPriority.ECONOMY, FLEX_SECONDS - 1, None),
        (Vendor.OPENAI, "gpt-5-mini", SpeedPriority.BALANCED, 86_400, None),
        (Vendor.OPENAI, "gpt-5-mini", SpeedPriority.FAST, 86_400, None),
        (Vendor.OPENAI, "gpt-4.1-mini", SpeedPriority.ECONOMY, 86_400, None),
        (Vendor.OPENAI, "a-model-nobody-knows", SpeedPriority.ECONOMY, 86_400, None),
        (Vendor.ANTHROPIC, "claude-sonnet-5-5", SpeedPriority.ECONOMY, 86_400, None),
        (Vendor.AZURE, "gpt-5-mini", SpeedPriority.ECONOMY, 86_400, None),
        (Vendor.OLLAMA, "gpt-5-mini", SpeedPriority.ECONOMY, 86_400, None),
    ],
)
def test_the_cheaper_tier_is_for_those_who_can_wait_where_it_is_sold(
    vendor: Vendor, model: str, speed: SpeedPriority, seconds: float, tier: str | None
) -> None:
    assert tier_asked(vendor, model, speed, seconds, HOUR) == tier


def test_it_is_estimated_at_half_the_price() -> None:
    usual, flex = (estimate(Vendor.OPENAI, "gpt-5-mini", 1024, 1024, HOUR, tier) for tier in (None, FLEX))
    assert flex * 2 == usual
