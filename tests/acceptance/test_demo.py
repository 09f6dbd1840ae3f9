"""`orchestrator demo`: the whole product once, by itself, in one command."""

import pytest

from tests.acceptance.system import terminal

pytestmark = pytest.mark.timeout(300)


def test_the_demo_shows_three_results_that_work() -> None:
    with terminal() as user:
        code, out, errors = user.run("demo")
        assert code == 0, out + errors
        assert out.count("status    succeeded") == 3
        assert out.count("simulated: a script answered, no model was asked") == 3
        assert out.count("cost      $0.00") == 3
        assert '✓ slugify("Crème Brûlée, twice!") gives "creme-brulee-twice"' in out
        assert "before: Ran 4 tests: FAILED" in out
        assert "✓ git apply changed calc/intervals.py" in out
        assert "✓ after: Ran 4 tests: OK" in out
        assert "critical shop/orders.py:11  security" in out
        assert "SQL built from text" in out
        assert "3 of 3 came out as they should." in out
        assert "orchestrator up" in out
        assert user.processes() == []
