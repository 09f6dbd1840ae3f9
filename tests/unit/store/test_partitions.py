"""Monthly partitions over UUIDv7 keys."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from orchestrator import clock
from orchestrator.store import partitions
from orchestrator.store.partitions import PARTITIONED
from orchestrator.store.tables import metadata

INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def uuid7(instant: datetime, rest: int) -> UUID:
    """A UUIDv7 made at an instant, with these 74 random bits."""
    millis = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    high, low = rest >> 62, rest & ((1 << 62) - 1)
    return UUID(int=(millis << 80) | (7 << 76) | (high << 64) | (2 << 62) | low)


@given(INSTANTS, st.integers(0, 2**74 - 1))
def test_every_id_of_a_month_lies_within_its_bounds(instant: datetime, rest: int) -> None:
    start, end = partitions.month_after(instant, 0), partitions.month_after(instant, 1)
    assert start <= instant < end
    assert partitions.lowest_id(start) <= uuid7(instant, rest) < partitions.lowest_id(end)


def test_the_ids_we_make_lie_in_this_months_partition() -> None:
    now = clock.now()
    lowest = partitions.lowest_id(partitions.month_after(now, 0))
    assert lowest <= clock.new_id() < partitions.lowest_id(partitions.month_after(now, 2))


@given(INSTANTS, st.integers(0, 40))
def test_months_follow_each_other_without_a_gap(instant: datetime, count: int) -> None:
    month = partitions.month_after(instant, count)
    assert (month.day, month.hour, month.minute, month.second, month.microsecond) == (1, 0, 0, 0, 0)
    assert partitions.month_after(month - timedelta(microseconds=1), 1) == month


def test_december_is_followed_by_january() -> None:
    assert partitions.month_after(datetime(2026, 12, 31, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)


def test_every_partitioned_table_gets_its_months_and_a_rest() -> None:
    statements = partitions.statements(datetime(2026, 11, 20, tzinfo=UTC), months=3)
    for table in PARTITIONED:
        assert table in metadata.tables
        made = [statement for statement in statements if f"PARTITION OF {table} " in statement]
        assert [statement.split()[5] for statement in made] == [
            f"{table}_rest", f"{table}_2026_11", f"{table}_2026_12", f"{table}_2027_01",
        ]  # fmt: skip
