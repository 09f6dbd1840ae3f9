"""Unit tests reach no network: a socket that opens is a test on the wrong floor."""

import pytest
from pytest_socket import disable_socket

from orchestrator.catalogue.vendors import FACTS


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of whoever runs the tests say nothing about who answers."""
    for facts in FACTS.values():
        for name in facts.environment:
            monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def no_network() -> None:
    """Unix sockets stay, because an event loop wakes itself through a pair of them."""
    disable_socket(allow_unix_socket=True)
