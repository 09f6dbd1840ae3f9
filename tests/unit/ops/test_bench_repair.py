"""The bench of repair rounds: the same tasks for each limit, and answers that can be missed."""

import orjson

from ops.bench.repair import Seen, answers, bodies, table


def seen(*tasks: tuple[str, int, int], billed: int = 0) -> Seen:
    """A run of tasks, each with its status, calls and repairs."""
    return Seen(
        [(status, 1.0, calls, repairs, 100, calls * 1_000) for status, calls, repairs in tasks], billed
    )


NONE = seen(("succeeded", 1, 0), ("failed", 1, 0))
ONE = seen(("succeeded", 1, 0), ("succeeded", 2, 1))


def test_runs_differ_in_nothing_but_the_rounds_that_are_allowed() -> None:
    without, three = (list(map(orjson.loads, bodies(14, 7, rounds))) for rounds in (0, 3))
    assert [each["preferences"].pop("repair_rounds") for each in (*without, *three)] == [0] * 14 + [3] * 14
    assert without == three
    assert len({each["kind"] for each in three}) == 7
    assert len({each["context"]["description"] for each in three}) == 14
    assert bodies(14, 7, 3) == bodies(14, 7, 3)
    assert bodies(14, 8, 3) != bodies(14, 7, 3)


def test_rounds_that_help_meet_all_goals() -> None:
    assert all(good for _, good in answers([NONE, ONE, ONE]))
    assert table([NONE, ONE, ONE]).row_count == 3


def test_rounds_that_gain_nothing_are_a_miss() -> None:
    assert [good for _, good in answers([NONE, NONE])] == [False, True, True, True, True]


def test_a_repair_that_nobody_allowed_and_a_bill_above_the_ledger_are_misses() -> None:
    mended = seen(("succeeded", 1, 0), ("failed", 2, 1))
    assert [good for _, good in answers([mended, ONE])] == [True, True, False, False, True]
    dear = seen(("succeeded", 1, 0), ("succeeded", 2, 1), billed=3_001)
    assert [good for _, good in answers([NONE, dear])] == [True, True, True, True, False]
