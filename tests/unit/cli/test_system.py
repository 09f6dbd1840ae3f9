"""What a system is made of: who answers, which processes run, what is printed of it."""

from pathlib import Path

import pytest

from orchestrator.cli.system import answerers, launch, plan
from orchestrator.cli.system.launch import Wish, _listener
from orchestrator.cli.system.network import reachable_host
from orchestrator.flow.configure import ProviderSetting
from schemas.providers import CHORES_QUEUE, Vendor, Wire

ADDRESSES = plan.Addresses("postgresql://db", "redis://broker", "127.0.0.1", 8000, 5555, 8099)
OLLAMA_TAGS = b'{"models": [{"name": "qwen3-coder:30b"}, {"name": "other"}]}'


def found(
    monkeypatch: pytest.MonkeyPatch, ollama: bytes | None = None, **variables: str
) -> tuple[ProviderSetting, ...]:
    for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(answerers, "fetch", lambda url, timeout: ollama)
    return answerers.real()


def test_without_keys_and_ollama_nobody_real_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch) == ()
    assert found(monkeypatch, OPENAI_API_KEY="") == ()


def test_a_key_in_the_environment_means_the_real_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    (openai,) = found(monkeypatch, OLLAMA_TAGS, OPENAI_API_KEY="sk-x")
    assert (openai.base_url, openai.credential) == ("https://api.openai.com/v1", "env:OPENAI_API_KEY")
    assert not openai.simulated


def test_the_vendors_own_address_setting_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    (openai,) = found(monkeypatch, OPENAI_API_KEY="sk-x", OPENAI_BASE_URL="http://proxy/v1/")
    assert openai.base_url == "http://proxy/v1"


def test_every_vendor_whose_key_is_there_answers_on_its_own_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {"ANTHROPIC_API_KEY": "x", "GEMINI_API_KEY": "x", "MISTRAL_API_KEY": "x"}
    there = found(monkeypatch, OLLAMA_TAGS, **keys)
    assert [(each.name, each.wire, each.credential) for each in there] == [
        ("anthropic", Wire.ANTHROPIC_MESSAGES, "env:ANTHROPIC_API_KEY"),
        ("google", Wire.GEMINI, "env:GEMINI_API_KEY"),
        ("mistral", Wire.OPENAI_CHAT, "env:MISTRAL_API_KEY"),
    ]


def test_a_key_without_an_address_to_ask_makes_no_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, AZURE_OPENAI_API_KEY="x", GITHUB_TOKEN="x") == ()


def test_a_local_ollama_is_used_with_its_first_model(monkeypatch: pytest.MonkeyPatch) -> None:
    (ollama,) = found(monkeypatch, OLLAMA_TAGS)
    assert (ollama.vendor, ollama.model, ollama.credential) == (Vendor.OLLAMA, "qwen3-coder:30b", "none")


@pytest.mark.parametrize("tags", [b'{"models": []}', b"<html>", b"[]", b"null"])
def test_an_ollama_without_models_is_none(monkeypatch: pytest.MonkeyPatch, tags: bytes) -> None:
    assert found(monkeypatch, tags) == ()


def test_the_simulator_has_two_accounts() -> None:
    providers = answerers.simulated("http://127.0.0.1:8099")
    assert [provider.base_url.rsplit("/accounts/")[1] for provider in providers] == [
        "primary/openai/v1",
        "backup/openai/v1",
    ]
    assert all(provider.simulated for provider in providers)


def test_children_get_their_addresses_and_not_the_users_api_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_API_KEY", "orc_live_mine")
    environment = plan.settings(ADDRESSES, Path("/data"))
    assert environment["ORCHESTRATOR_DATABASE_URL"] == "postgresql://db"
    assert environment["PROMETHEUS_MULTIPROC_DIR"] == "/data/metrics"
    assert "ORCHESTRATOR_API_KEY" not in environment


def test_each_worker_has_a_name_of_its_own_and_serves_every_queue() -> None:
    first, second = plan.workers(2, 50, 30, {})
    assert first.arguments[first.arguments.index("-n") + 1] == "worker-1@%h"
    assert second.arguments[second.arguments.index("-n") + 1] == "worker-2@%h"
    queues = first.arguments[first.arguments.index("-Q") + 1].split(",")
    assert {"provider.openai", "provider.custom", CHORES_QUEUE} <= set(queues)
    assert first.stops_within > 30


def test_no_secret_stands_in_a_command_line() -> None:
    spec = plan.flower(5555, "operator:secret", {"A": "b"})
    assert "secret" not in " ".join(spec.arguments)
    assert spec.environment == {"A": "b", "FLOWER_BASIC_AUTH": "operator:secret"}


def test_without_a_port_the_next_free_one_is_taken_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Listener:
        def getsockname(self) -> tuple[str, int]:
            return "127.0.0.1", 8002

    monkeypatch.setattr(launch, "first_listener", lambda host, port: Listener())
    said: list[str] = []
    wish = Wish(Path(), "127.0.0.1", None, 1, 1, flower=False, latency_ms=0)
    assert _listener(wish, said.append).getsockname()[1] == 8002
    assert said == ["port 8000 is taken, so the API listens on 8002"]


@pytest.mark.parametrize(
    ("host", "called"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("fe80::1", "[fe80::1]")],
)
def test_an_api_that_listens_everywhere_is_called_here(host: str, called: str) -> None:
    assert reachable_host(host) == called
