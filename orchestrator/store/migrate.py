"""Bring a database to the newest revision, one process at a time, and tell how far it is."""

from pathlib import Path
from typing import Any, cast

import psycopg
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from orchestrator.store import partitions


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
        connection.exec_driver_sql(partitions.LOCK)
        _upgrade(connection)
        partitions.make(cast("psycopg.Connection[Any]", connection.connection.driver_connection))
    return head()


def _upgrade(connection: Connection) -> None:
    settings = _settings()
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
