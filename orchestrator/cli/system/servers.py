"""The database and the broker of a system: those that the settings name, embedded ones for the rest."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config import Config
from orchestrator.embedded.directory import held
from orchestrator.embedded.stack import running


@dataclass(frozen=True)
class Servers:
    """Where database and broker are, and whether they are ours."""

    database_url: str
    broker_url: str
    own_database: bool
    own_broker: bool


@contextmanager
def serving(config: Config, data_dir: Path, announce: Callable[[str], None]) -> Iterator[Servers]:
    """Both servers until the end of the block, and the data directory ours alone; raises EmbeddedError."""
    if config.database_url and config.broker_url:
        with held(data_dir):
            yield Servers(config.database_url, config.broker_url, own_database=False, own_broker=False)
        return
    with running(data_dir, announce) as stack:
        if config.database_url:
            stack.postgres.stop()
        if config.broker_url:
            stack.valkey.stop()
        yield Servers(
            config.database_url or stack.database_url,
            config.broker_url or stack.broker_url,
            own_database=not config.database_url,
            own_broker=not config.broker_url,
        )
