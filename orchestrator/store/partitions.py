"""Monthly partitions over UUIDv7 keys: pure bounds, and the statements that make them.

A default partition catches what no month covers, so that a late dispatcher never loses an insert.
"""

from datetime import UTC, datetime
from uuid import UUID

from orchestrator.store.tables import PARTITIONED


def month_after(month: datetime, count: int = 1) -> datetime:
    """The first instant of the month `count` months after the one `month` lies in, in UTC."""
    index = month.year * 12 + month.month - 1 + count
    return datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)


def lowest_id(instant: datetime) -> UUID:
    """The lowest UUIDv7 that can be made at `instant`; a partition's bound."""
    return UUID(int=int(instant.timestamp() * 1000) << 80)


def statements(now: datetime, months: int = 3) -> list[str]:
    """The DDL for the default partitions and those of this month and the following `months - 1`."""
    ddl = []
    for table in PARTITIONED:
        storage = " WITH (autovacuum_vacuum_scale_factor = 0.01)" if table == "tasks" else ""
        ddl.append(f"CREATE TABLE IF NOT EXISTS {table}_rest PARTITION OF {table} DEFAULT{storage}")
        for count in range(months):
            start, end = month_after(now, count), month_after(now, count + 1)
            ddl.append(
                f"CREATE TABLE IF NOT EXISTS {table}_{start:%Y_%m} PARTITION OF {table} "
                f"FOR VALUES FROM ('{lowest_id(start)}') TO ('{lowest_id(end)}'){storage}"
            )
    return ddl
