"""A real Postgres and a real Valkey for whoever asks, and a migrated database of one's own per module.

With `ORCHESTRATOR_TEST_DATABASE_URL` and `ORCHESTRATOR_TEST_BROKER_URL` those servers are used;
otherwise an embedded stack is started once for the run.
"""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio

from orchestrator.config import Config
from orchestrator.embedded.stack import running
from orchestrator.store.migrate import migrate
from orchestrator.wiring import Parts, open_parts


@dataclass(frozen=True)
class Servers:
    """Where the servers of this run are."""

    database_url: str
    broker_url: str

    def administer(self, statement: str) -> None:
        """Run a statement that no transaction may hold."""
        with psycopg.connect(_plain(self.database_url), autocommit=True) as connection:
            connection.execute(statement.encode())

    def database(self, name: str) -> str:
        """The address of another database on the same server."""
        return (
            f"postgresql+psycopg://{_plain(self.database_url).partition('://')[2].rpartition('/')[0]}/{name}"
        )


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The servers of this run."""
    database, broker = (os.environ.get(f"ORCHESTRATOR_TEST_{name}_URL") for name in ("DATABASE", "BROKER"))
    if database and broker:
        yield Servers(database, broker)
        return
    with tempfile.TemporaryDirectory(prefix="orchestrator-") as home:
        Path(home).chmod(0o755)
        with running(Path(home) / "data", lambda _line: None) as stack:
            yield Servers(stack.database_url, stack.broker_url)


@pytest.fixture(scope="session")
def template(servers: Servers) -> Iterator[str]:
    """The name of a migrated, empty database to copy."""
    name = f"template_{uuid4().hex[:12]}"
    servers.administer(f"CREATE DATABASE {name}")
    migrate(servers.database(name))
    yield name
    servers.administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def database_url(servers: Servers, template: str) -> Iterator[str]:
    """A migrated database for the tests of one module."""
    name = f"test_{uuid4().hex[:12]}"
    servers.administer(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield servers.database(name)
    servers.administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def settings(servers: Servers, database_url: str) -> Config:
    """The settings of the module's installation."""
    return Config(database_url=database_url, broker_url=servers.broker_url)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def parts(settings: Config) -> AsyncIterator[Parts]:
    """The parts of one process over the module's database."""
    async with open_parts(settings, "test") as parts:
        yield parts


def _plain(url: str) -> str:
    return f"postgresql://{url.partition('://')[2]}"
