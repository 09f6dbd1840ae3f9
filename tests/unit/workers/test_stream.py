"""A provider may be waited for longer or shorter than others."""

from uuid import UUID

import pytest

from orchestrator.config import Config
from schemas.manners import Timeouts
from schemas.providers import Provider, ProviderOptions, Vendor, Wire
from workers.stream import as_configured

PROVIDER = Provider(
    id=UUID(int=1), name="p", vendor=Vendor.OPENAI, wire=Wire.OPENAI_CHAT, base_url="http://x", model="m",
    credential="none",
)  # fmt: skip


@pytest.mark.parametrize(
    ("timeouts", "first", "idle"),
    [
        (None, 60, 60),
        (Timeouts(), 60, 60),
        (Timeouts(first_token_seconds=200), 200, 60),
        (Timeouts(idle_seconds=0.5), 60, 0.5),
    ],
)
def test_what_a_provider_says_of_its_patience_comes_first(
    timeouts: Timeouts | None, first: float, idle: float
) -> None:
    provider = PROVIDER.model_copy(update={"options": ProviderOptions(timeouts=timeouts)})
    found = as_configured(Config(), provider, 9.0)
    assert (found.first_token_timeout, found.idle_timeout) == (first, idle)
