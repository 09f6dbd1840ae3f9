"""The replay of routing: equal chances for all, and figures that follow from them."""

import pytest

from ops.bench.routing import MODELS, PREMIUM, Sums, table


@pytest.fixture(scope="module")
def rows() -> dict[str, Sums]:
    return dict(table(count=600, seed=7))


def test_balanced_costs_a_third_less_than_the_premium_provider_at_equal_success(
    rows: dict[str, Sums],
) -> None:
    alone, balanced = rows[f"{PREMIUM} alone"], rows["balanced"]
    assert balanced.nanos < 0.7 * alone.nanos
    assert balanced.succeeded >= alone.succeeded - 3


def test_round_robin_asks_all_equally(rows: dict[str, Sums]) -> None:
    assert rows["round_robin"].firsts == dict.fromkeys(MODELS, 100)


def test_no_strategy_is_cheaper_than_the_cheapest_nor_quicker_than_the_fastest(rows: dict[str, Sums]) -> None:
    assert min(rows, key=lambda name: rows[name].nanos) == "cheapest"
    assert min(rows, key=lambda name: sum(rows[name].seconds)) in ("fastest", "cheapest")
    assert all(sums.calls >= len(sums.seconds) for sums in rows.values())
