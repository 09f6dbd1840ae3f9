"""Migrations: what they make is what the tables say, twice is once, and partitions are there."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from orchestrator import clock
from orchestrator.store import judgements, migrate, partitions
from orchestrator.store.partitions import PARTITIONED
from orchestrator.store.tables import metadata
from schemas.errors import StoreUnavailable

assert judgements.feedback.metadata is metadata, "its tables are among those compared"


def found(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(f"postgresql://{url.partition('://')[2]}") as connection:
        return connection.execute(query.encode()).fetchall()


def is_ours(thing: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
    """Partitions, Alembic's own table and indexes are no part of the comparison."""
    if kind == "table":
        return name in metadata.tables
    return kind == "column"


def test_the_tables_are_what_the_migrations_make(database_url: str) -> None:
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        options = {"include_object": is_ours, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    engine.dispose()
    made = {
        name
        for (name,) in found(
            database_url,
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'",
        )
    }
    assert made == set(metadata.tables)


def test_every_primary_key_and_partition_key_is_as_the_tables_say(database_url: str) -> None:
    for name, key in PARTITIONED.items():
        query = f"SELECT pg_get_partkeydef('{name}'::regclass)"
        assert found(database_url, query) == [(f"RANGE ({key})",)]
    for table in metadata.tables.values():
        query = f"""
            SELECT array_agg(attname::text ORDER BY array_position(indkey::int2[], attnum))
            FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
            WHERE indrelid = '{table.name}'::regclass AND indisprimary
        """
        assert found(database_url, query) == [([column.name for column in table.primary_key],)]


def test_migrating_again_changes_nothing(database_url: str) -> None:
    every = "SELECT oid, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY oid"
    before = found(database_url, every)
    assert migrate.migrate(database_url) == migrate.head()
    partitions.extend(database_url)
    assert found(database_url, every) == before
    assert migrate.current(database_url) == migrate.head()


def test_the_coming_months_have_their_partitions(database_url: str) -> None:
    names = {name for (name,) in found(database_url, "SELECT relname FROM pg_class WHERE relispartition")}
    for table in PARTITIONED:
        for ahead in range(3):
            assert f"{table}_{partitions.month_after(clock.now(), ahead):%Y_%m}" in names
        assert f"{table}_rest" in names


def test_an_id_of_a_month_nobody_prepared_still_finds_a_place(database_url: str) -> None:
    late = partitions.lowest_id(clock.now() + timedelta(days=400))
    with psycopg.connect(f"postgresql://{database_url.partition('://')[2]}") as connection:
        tenant = clock.new_id()
        connection.execute(
            "INSERT INTO task_results (id, tenant_id, result) VALUES (%s, %s, '{}')", (late, tenant)
        )
        place = connection.execute(
            "SELECT tableoid::regclass::text FROM task_results WHERE id = %s", (late,)
        ).fetchone()
        connection.rollback()
    assert place == ("task_results_rest",)


def test_rows_of_a_month_that_nobody_prepared_do_not_stop_the_making_of_others(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = partitions.month_after(clock.now(), 5) + timedelta(days=1)
    with psycopg.connect(f"postgresql://{database_url.partition('://')[2]}") as connection:
        given = (partitions.lowest_id(ahead), clock.new_id())
        connection.execute("INSERT INTO task_results (id, tenant_id, result) VALUES (%s, %s, '{}')", given)
    monkeypatch.setattr("orchestrator.store.partitions.clock.now", lambda: ahead)
    partitions.extend(database_url)
    names = {name for (name,) in found(database_url, "SELECT relname FROM pg_class WHERE relispartition")}
    assert f"tasks_{ahead:%Y_%m}" in names
    assert f"task_results_{ahead:%Y_%m}" not in names


@pytest.mark.parametrize(
    "change",
    [
        "status = 'running'",
        "status = 'succeeded'",
        "status = 'lost'",
        "lease_token = gen_random_uuid()",
        "finished_at = clock_timestamp()",
        "status_reason = 'because'",
    ],
)
def test_a_row_that_contradicts_itself_is_refused(database_url: str, change: str) -> None:
    with psycopg.connect(f"postgresql://{database_url.partition('://')[2]}") as connection:
        connection.execute(
            """
            INSERT INTO tasks (id, tenant_id, kind, status, priority, queue, provider_id, run_at, rank, ready,
                deadline, max_attempts, max_crashes, created_at)
            VALUES (gen_random_uuid(), gen_random_uuid(), 'fix_bug', 'queued', 'low', 'q', gen_random_uuid(),
                now(), now(), true, now(), 1, 1, now())
            """
        )
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(f"UPDATE tasks SET {change}".encode())
        connection.rollback()


def test_a_database_that_is_away_is_said_to_be_away() -> None:
    with pytest.raises(StoreUnavailable):
        partitions.extend("postgresql+psycopg://nobody@127.0.0.1:9/none")
