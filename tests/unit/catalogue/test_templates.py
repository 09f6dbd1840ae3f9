"""Templates of providers: the built-in ones are valid, and what is filled in is what stands there."""

from typing import Any

import pytest
from pydantic import ValidationError

from orchestrator.catalogue.choosing import chosen_model
from orchestrator.catalogue.templates import BUILT_IN, complaints, filled, missing, vendor_at
from schemas.configured import ProviderRequest, Template, TemplateFilling
from schemas.providers import Vendor


def template(provider: dict[str, Any], **variables: Any) -> Template:
    return Template.model_validate({"name": "t", "variables": variables, "provider": provider})


KEY = {"description": "key", "secret": True}


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_template_makes_a_provider(name: str) -> None:
    known = BUILT_IN[name]
    assert complaints(known) == []
    values = dict.fromkeys(missing(known, {}), "value") | {"MODEL": "m"}
    values |= {"compatible": {"BASE_URL": "https://x.org/v1"}, "copilot": {"REPOSITORY": "a/b"}}.get(name, {})
    made = ProviderRequest.model_validate(filled(known, values))
    assert made.model == "m"
    assert "{{" not in made.base_url


def test_a_model_without_a_value_is_left_to_the_endpoint() -> None:
    made = filled(BUILT_IN["groq"], {"API_KEY": "k"})
    assert "model" not in made
    assert missing(BUILT_IN["groq"], {}) == ["API_KEY"]


def test_what_would_grow_beyond_bounds_is_no_template_and_no_value() -> None:
    with pytest.raises(ValidationError, match="must take at most"):
        template({"base_url": "https://x", "model": "{{A}}" * 4000}, A={"description": ""})
    with pytest.raises(ValidationError, match="8192"):
        TemplateFilling.model_validate({"variables": {"A": "x" * 9000}})
    with pytest.raises(ValidationError, match="8192"):
        template({"base_url": "https://{{A}}"}, A={"description": "", "default": "x" * 9000})


def test_a_value_is_never_read_as_a_template() -> None:
    known = template({"base_url": "https://{{A}}/{{B}}"}, A={"description": ""}, B={"description": ""})
    assert filled(known, {"A": "{{B}}", "B": "x"})["base_url"] == "https://{{B}}/x"


@pytest.mark.parametrize(
    ("provider", "variables", "field"),
    [
        ({"base_url": "https://{{A}}"}, {}, "variables.A"),
        ({"base_url": "https://x"}, {"A": {"description": ""}}, "variables.A"),
        ({"base_url": "https://x", "credential": "sk-1"}, {}, "provider.credential"),
        ({"base_url": "https://x", "credential": "{{A}}"}, {"A": {"description": ""}}, "provider.credential"),
        ({"base_url": "https://x/{{A}}", "credential": "{{A}}"}, {"A": KEY}, "variables.A"),
        (
            {"base_url": "https://x", "credential": "{{A}}"},
            {"A": KEY | {"default": "k"}},
            "variables.A.default",
        ),
    ],
)
def test_what_is_wrong_with_a_template_is_named(
    provider: dict[str, Any], variables: dict[str, Any], field: str
) -> None:
    assert [name for name, _ in complaints(template(provider, **variables))] == [field]


def test_a_well_known_address_tells_its_vendor() -> None:
    assert vendor_at("https://API.openai.com:443/v1") is Vendor.OPENAI
    assert vendor_at("https://api.openai.com.evil.example/v1") is Vendor.CUSTOM
    assert vendor_at("http://api.openai.com/v1") is Vendor.CUSTOM


def test_a_model_that_chats_is_chosen() -> None:
    assert chosen_model("https://x.org/v1", ["text-embedding-3", "whisper-1", "llama"]) == "llama"
    assert chosen_model("https://api.openai.com/v1", ["gpt-4", "gpt-6-luna"]) == "gpt-6-luna"
    assert chosen_model("https://x.org/v1", ["tts-1"]) is None
