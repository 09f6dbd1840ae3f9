"""Failpoints strike only where a test armed them, and never in production."""

from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from orchestrator import failpoints
from orchestrator.config import Config, config


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    forget()
    yield
    forget()


def forget() -> None:
    config.cache_clear()
    failpoints._armed.cache_clear()
    failpoints._passes.clear()


def test_nothing_strikes_unless_it_is_armed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORCHESTRATOR_FAILPOINTS", raising=False)
    failpoints.reach("call.intended")


def test_an_armed_failpoint_strikes_at_the_named_pass_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_FAILPOINTS", "call.intended=error@2; call.booked=error")
    failpoints.reach("call.intended")
    with pytest.raises(failpoints.FailpointError, match=r"call\.intended"):
        failpoints.reach("call.intended")
    failpoints.reach("call.intended")
    with pytest.raises(failpoints.FailpointError, match=r"call\.booked"):
        failpoints.reach("call.booked")


def test_production_refuses_failpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_ENVIRONMENT", "production")
    monkeypatch.setenv("ORCHESTRATOR_FAILPOINTS", "call.intended=kill")
    with pytest.raises(ValidationError, match="production"):
        Config()


def test_production_refuses_failpoints_that_are_handed_over_too() -> None:
    with pytest.raises(ValidationError, match="production"):
        Config(environment="production", failpoints="call.intended=kill")
