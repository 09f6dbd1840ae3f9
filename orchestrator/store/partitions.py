"""Monthly partitions over UUIDv7 keys: their bounds, and how those of the coming months are made.

A default partition catches what no month covers, so that a late dispatcher never loses an insert.
"""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import psycopg

from orchestrator import clock, telemetry
from orchestrator.store.direct import plain
from orchestrator.store.engine import unavailable

PARTITIONED: Final = {
    "tasks": "id",
    "task_payloads": "id",
    "task_results": "id",
    "attempts": "task_id",
    "calls": "id",
    "call_answers": "call_id",
    "call_charges": "call_id",
    "events": "task_id",
}

LOCK: Final = "SELECT pg_advisory_xact_lock(7236911)"
"""Held by whoever changes the schema."""


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


def extend(url: str) -> None:
    """Make the coming months' partitions where they are missing. Raises `StoreUnavailable`."""
    with unavailable(), psycopg.connect(plain(url), connect_timeout=3) as connection:
        connection.execute(LOCK)
        make(connection)


def make(connection: psycopg.Connection[Any]) -> None:
    """The same within the transaction of this connection."""
    for statement in statements(clock.now()):
        try:
            with connection.transaction():
                connection.execute(statement.encode())
        except psycopg.IntegrityError:
            # Rows of that month are in the default partition already, and may stay there.
            telemetry.warn("partition.not_made", statement=statement)
