"""`orchestrator ledger`: what can't be a range of time is refused before anything is asked."""

import pytest

from orchestrator.cli.exits import Code
from tests.unit.cli.conftest import Command


@pytest.mark.parametrize("since", ["", "yesterday", "0h", "-1h", "24"])
def test_a_time_that_is_none_is_refused(command: Command, since: str) -> None:
    ended = command("ledger", "verify", "--since", since)
    assert ended.code == Code.USAGE
    assert "24h" in ended.err


def test_an_empty_range_is_refused(command: Command) -> None:
    ended = command("ledger", "reprice", "--from", "2026-01-02", "--to", "2026-01-02")
    assert ended.code == Code.USAGE
    assert "--from must be before --to" in ended.err
