"""Bring a database to the newest revision, one process at a time, and tell how far it is."""

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from orchestrator import clock, telemetry
from orchestrator.store import partitions
from orchestrator.store.engine import unavailable

_LOCK = text("SELECT pg_advisory_xact_lock(7236911)")


def _settings() -> AlembicConfig:
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return settings


def head() -> str:
    """The newest revision this release knows."""
    return str(ScriptDirectory.from_config(_settings()).get_current_head())


def current(url: str) -> str | None:
    """The revision the database is at; None for an empty one."""
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 3})
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(url: str) -> str:
    """Apply what is missing, make the coming months' partitions, and return the revision."""
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 3})
    with engine.begin() as connection:
        connection.execute(_LOCK)
        _upgrade(connection)
        _make_partitions(connection)
    return head()


def extend(url: str) -> None:
    """Make the coming months' partitions where they are missing. Raises `StoreUnavailable`."""
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 3})
    with unavailable(), engine.begin() as connection:
        connection.execute(_LOCK)
        _make_partitions(connection)


def _make_partitions(connection: Connection) -> None:
    for statement in partitions.statements(clock.now()):
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(statement)
        except IntegrityError:
            # Rows of that month are in the default partition already, and may stay there.
            telemetry.warn("partition.not_made", statement=statement)


def _upgrade(connection: Connection) -> None:
    settings = _settings()
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
