"""Unit tests reach no network: a socket that opens is a test on the wrong floor."""

import pytest
from pytest_socket import disable_socket


@pytest.fixture(autouse=True)
def no_network() -> None:
    """Unix sockets stay, because an event loop wakes itself through a pair of them."""
    disable_socket(allow_unix_socket=True)
