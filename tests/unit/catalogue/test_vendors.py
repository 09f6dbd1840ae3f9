"""The table of vendors: every one has a row, keys travel where they belong, and no path leaves the host."""

from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.catalogue import prices
from orchestrator.catalogue.models import describe
from orchestrator.catalogue.vendors import (
    AZURE_API_VERSION,
    FACTS,
    KeyHeader,
    address_of,
    key_headers,
    path_of,
)
from schemas.calls import Usage
from schemas.providers import Provider, Vendor, Wire

ENTRA = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl"
NEWER = "https://ours.openai.azure.com/openai/v1"
OLDER = "https://ours.openai.azure.com/openai/deployments/gpt-4o"


def provider(vendor: Vendor, base_url: str = "https://x", wire: Wire | None = None) -> Provider:
    return Provider(
        id=UUID(int=1),
        name="p",
        vendor=vendor,
        wire=wire or FACTS[vendor].wire or Wire.OPENAI_CHAT,
        base_url=base_url,
        model="m",
        credential="none",
    )


def test_every_vendor_has_a_row() -> None:
    assert set(FACTS) == set(Vendor)


def test_only_who_runs_elsewhere_or_has_no_usual_place_lacks_an_address() -> None:
    assert {vendor for vendor, facts in FACTS.items() if facts.base_url is None} == {
        Vendor.AZURE,
        Vendor.CUSTOM,
    }
    assert {vendor for vendor, facts in FACTS.items() if facts.local} == {Vendor.OLLAMA, Vendor.LMSTUDIO}
    for vendor, facts in FACTS.items():
        plain = (facts.base_url or "https://").startswith("http://")
        assert plain is facts.local, vendor


@pytest.mark.parametrize("vendor", [vendor for vendor, facts in FACTS.items() if facts.model])
def test_every_default_model_has_a_known_price(vendor: Vendor) -> None:
    usage = Usage(input_tokens=1_000, output_tokens=1_000)
    at = datetime(2026, 11, 20, tzinfo=UTC)
    priced = prices.cost(vendor, FACTS[vendor].model or "", None, usage, at)
    assert (priced.source, priced.estimated) == (prices.SOURCE, False)
    assert priced.nanos > 0


@pytest.mark.parametrize(
    ("vendor", "header", "value"),
    [
        (Vendor.OPENAI, "Authorization", "Bearer k"),
        (Vendor.ANTHROPIC, "x-api-key", "k"),
        (Vendor.GOOGLE, "x-goog-api-key", "k"),
        (Vendor.AZURE, "api-key", "k"),
        (Vendor.OPENROUTER, "Authorization", "Bearer k"),
        (Vendor.LMSTUDIO, "Authorization", "Bearer k"),
        (Vendor.CUSTOM, "Authorization", "Bearer k"),
    ],
)
def test_a_key_travels_in_its_vendors_header(vendor: Vendor, header: str, value: str) -> None:
    assert key_headers(provider(vendor), "k") == {header: value}
    assert key_headers(provider(vendor), None) == {}


def test_a_custom_endpoint_gets_its_key_as_its_wire_has_it() -> None:
    anthropic = provider(Vendor.CUSTOM, wire=Wire.ANTHROPIC_MESSAGES)
    assert key_headers(anthropic, "k") == {KeyHeader.X_API_KEY: "k"}
    assert key_headers(provider(Vendor.CUSTOM, wire=Wire.GEMINI), "k") == {KeyHeader.X_GOOG_API_KEY: "k"}


@pytest.mark.parametrize("vendor", [Vendor.ANTHROPIC, Vendor.GOOGLE])
def test_a_vendors_openai_compatible_endpoint_gets_its_key_as_openai_does(vendor: Vendor) -> None:
    assert key_headers(provider(vendor, wire=Wire.OPENAI_CHAT), "k") == {"Authorization": "Bearer k"}


def test_a_router_gets_its_key_in_one_way_on_every_wire() -> None:
    router = provider(Vendor.OPENROUTER, wire=Wire.ANTHROPIC_MESSAGES)
    assert key_headers(router, "k") == {"Authorization": "Bearer k"}


def test_azure_takes_an_entra_token_as_bearer_and_a_key_as_key() -> None:
    assert key_headers(provider(Vendor.AZURE), ENTRA) == {"Authorization": f"Bearer {ENTRA}"}
    assert key_headers(provider(Vendor.AZURE), "0123456789abcdef") == {"api-key": "0123456789abcdef"}


@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        (NEWER, "/chat/completions"),
        (NEWER + "/", "/chat/completions"),
        (OLDER, f"/chat/completions?api-version={AZURE_API_VERSION}"),
        (OLDER + "/?api-version=2025-04-01-preview", "/chat/completions?api-version=2025-04-01-preview"),
        (OLDER + "?x=1", f"/chat/completions?x=1&api-version={AZURE_API_VERSION}"),
    ],
)
def test_both_forms_of_azures_urls_are_called_with_the_version_they_need(base_url: str, path: str) -> None:
    assert path_of(provider(Vendor.AZURE, base_url), "/chat/completions") == path
    with httpx.Client(base_url=address_of(base_url), trust_env=False, verify=False) as client:
        url = client.build_request("POST", path).url
    assert url.host == "ours.openai.azure.com"
    assert url.path in ("/openai/v1/chat/completions", "/openai/deployments/gpt-4o/chat/completions")


def test_a_query_of_the_base_url_goes_with_every_path() -> None:
    custom = provider(Vendor.CUSTOM, "https://x/v1?team=a")
    assert path_of(custom, "/models/m:stream?alt=sse") == "/models/m:stream?alt=sse&team=a"
    assert address_of("https://x/v1/?team=a#f") == "https://x/v1"


@pytest.mark.parametrize(
    "path", ["//evil.example/x", "https://evil.example", "x", "", "/a b", "/a\\b", "/\nx", "/a#b", "/ü"]
)
def test_a_path_that_could_lead_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="does not lead below"):
        path_of(provider(Vendor.CUSTOM), path)


@given(st.text(max_size=20).map(lambda rest: "/" + rest), st.text(alphabet="a=&/@:?#.", max_size=10))
def test_no_path_and_no_query_changes_the_host(path: str, query: str) -> None:
    base_url = f"https://the-provider/v1?{query}"
    try:
        below = path_of(provider(Vendor.CUSTOM, base_url), path)
    except ValueError:
        return
    with httpx.Client(base_url=address_of(base_url), trust_env=False, verify=False) as client:
        url = client.build_request("POST", below).url
    assert (url.scheme, url.host, url.port) == ("https", "the-provider", None)


@pytest.mark.parametrize("vendor", [each for each in Vendor if FACTS[each].model])
def test_no_vendors_usual_model_is_one_whose_end_is_announced(vendor: Vendor) -> None:
    assert describe(vendor, FACTS[vendor].model or "").sunset is None
