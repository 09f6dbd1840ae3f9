"""The retry budget: a fifth of the first attempts, whatever the order."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import clock
from orchestrator.limits import retries
from orchestrator.limits.retries import RetryBudget

HERE, THERE = UUID(int=1), UUID(int=2)
FIRST, RETRY = "first", "retry"


@pytest.fixture(autouse=True)
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "monotonic", lambda: 1000.0)


@given(st.lists(st.sampled_from([FIRST, RETRY])))
def test_over_any_sequence_retries_are_at_most_a_fifth_of_the_firsts_and_one(asked: list[str]) -> None:
    budget, firsts, granted = RetryBudget(), 0, 0
    for each in asked:
        if each == FIRST:
            budget.earn(HERE)
            firsts += 1
        else:
            granted += budget.spend(HERE)
        assert granted <= retries.SHARE * firsts + 1 + 1e-9


@given(st.integers(0, 200))
def test_what_was_earned_can_be_spent(firsts: int) -> None:
    budget = RetryBudget()
    for _ in range(firsts):
        budget.earn(HERE)
    granted = sum(budget.spend(HERE) for _ in range(300))
    assert granted >= min(int(retries.SAVED), int(retries.SHARE * firsts * 0.999) + 1)


def test_each_provider_has_an_account_of_its_own() -> None:
    budget = RetryBudget()
    assert budget.spend(HERE)
    assert not budget.spend(HERE)
    assert budget.spend(THERE)


def test_a_provider_without_traffic_is_retried_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    budget, now = RetryBudget(), 1000.0
    granted = 0
    for _ in range(100):
        monkeypatch.setattr(clock, "monotonic", lambda at=now: at)
        granted += budget.spend(HERE)
        now += 1.0
    assert granted == 1 + 9


def test_after_an_outage_each_answered_retry_lets_two_more_go() -> None:
    budget, waiting, rounds = RetryBudget(), 60, 0
    budget.spend(HERE)
    budget.answered(HERE)
    while waiting > 0:
        let_go = 0
        while waiting > let_go and budget.spend(HERE):
            let_go += 1
        for _ in range(let_go):
            budget.answered(HERE)
        waiting -= let_go
        rounds += 1
    assert rounds <= 8
