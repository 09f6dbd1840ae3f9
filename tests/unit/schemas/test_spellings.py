"""Other names of the field's: taken wherever ours are, and never given back."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from orchestrator.api.app import _doors
from schemas.configured import ProviderPatch, ProviderRequest
from schemas.experiments import Arm
from schemas.providers import Vendor, vendor_of
from schemas.routing import RoutingConfig, Strategy
from schemas.spellings import ADDRESSES, STRATEGIES, VENDORS
from schemas.tasks import Preferences


@pytest.mark.parametrize(
    ("spelling", "vendor"),
    [
        ("github-copilot", Vendor.COPILOT),
        ("google-codey", Vendor.GOOGLE),
        ("gemini", Vendor.GOOGLE),
        ("ChatGPT", Vendor.OPENAI),
        (" claude ", Vendor.ANTHROPIC),
        ("azure_openai", Vendor.AZURE),
        ("x-ai", Vendor.XAI),
        ("local", Vendor.OLLAMA),
        ("openai", Vendor.OPENAI),
        ("nobody", None),
        ("", None),
    ],
)
def test_a_vendor_is_understood_by_its_other_names(spelling: str, vendor: Vendor | None) -> None:
    assert vendor_of(spelling) is vendor
    given = {"base_url": "https://api.example.org/v1", "vendor": spelling}
    if vendor is None:
        with pytest.raises(ValidationError, match="vendor"):
            ProviderRequest.model_validate(given)
    else:
        assert ProviderRequest.model_validate(given).vendor is vendor
        assert ProviderPatch.model_validate({"vendor": spelling}).vendor is vendor
        assert TypeAdapter(Vendor).validate_json(f'"{spelling}"') is vendor


@pytest.mark.parametrize(
    ("server_type", "vendor"),
    [
        (None, "ollama"), ("ollama", "ollama"), ("lmstudio", "lmstudio"), ("vllm", "lmstudio"),
        ("llamacpp", "lmstudio"),
    ],
)  # fmt: skip
def test_local_is_what_its_server_type_says(server_type: str | None, vendor: str) -> None:
    given: dict[str, Any] = {"base_url": "http://127.0.0.1:1", "vendor": "local"}
    if server_type:
        given["options"] = {"server_type": server_type}
    assert ProviderRequest.model_validate(given).vendor == vendor


@pytest.mark.parametrize(
    ("spelling", "strategy"),
    [
        ("performance", "fastest"), ("cost_optimization", "cheapest"), ("cost-optimization", "cheapest"),
        ("round-robin", "round_robin"), ("Round_Robin", "round_robin"), ("balanced", "balanced"),
    ],
)  # fmt: skip
def test_a_strategy_is_understood_by_its_other_names(spelling: str, strategy: str) -> None:
    assert Preferences.model_validate({"strategy": spelling}).strategy == strategy
    assert Arm.model_validate({"name": "a", "strategy": spelling}).strategy == strategy
    config = RoutingConfig.model_validate({"strategy": spelling})
    assert config.model_dump(mode="json")["strategy"] == strategy


@pytest.mark.parametrize("wrong", ["best", "", 3, None, ["cheapest"]])
def test_what_is_no_strategy_stays_none(wrong: object) -> None:
    with pytest.raises(ValidationError, match="strategy"):
        RoutingConfig.model_validate({"strategy": wrong})


def test_no_other_name_hides_one_of_ours_and_each_means_one() -> None:
    assert not set(VENDORS) & {str(vendor) for vendor in Vendor}
    assert set(VENDORS.values()) <= {str(vendor) for vendor in Vendor}
    assert set(STRATEGIES.values()) <= {str(strategy) for strategy in Strategy}


def test_every_other_address_has_a_door_that_the_document_does_not_name() -> None:
    app = _doors()
    paths = {getattr(route, "path", "") for route in app.routes}
    for given, meant in ADDRESSES.items():
        assert given in paths
        assert meant.partition("?")[0] in paths
        assert given not in app.openapi()["paths"]
