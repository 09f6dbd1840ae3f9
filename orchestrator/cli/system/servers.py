"""The database and the broker of a system: those that the settings name, embedded ones for the rest."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestrator import clock
from orchestrator.config import Config
from orchestrator.embedded.directory import held
from orchestrator.embedded.postgres import Postgres
from orchestrator.embedded.stack import running
from orchestrator.embedded.valkey import Valkey

PATIENCE_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 1.0


class Mender:
    """Starts an embedded server again that stays away: it crashed, or somebody stopped it.

    One that comes back by itself within the patience is left to whoever restarts it.
    """

    def __init__(self, servers: Mapping[str, Postgres | Valkey], announce: Callable[[str], None]) -> None:
        self._servers = servers
        self._announce = announce
        self._seen = dict.fromkeys(servers, clock.monotonic())
        self._next_look = 0.0

    def look(self) -> None:
        """Look at each server, at most once a second; raises EmbeddedError where one can't be started."""
        now = clock.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _LOOK_SECONDS
        for name, server in self._servers.items():
            if server.pid is not None:
                self._seen[name] = now
            elif now - self._seen[name] > PATIENCE_SECONDS:
                self._announce(f"{name} is gone; it starts again. Its log: {server.log}")
                server.start()


@dataclass(frozen=True)
class Servers:
    """Where database and broker are, and whether they are ours."""

    database_url: str
    broker_url: str
    own_database: bool
    own_broker: bool
    mender: Mender


@contextmanager
def serving(config: Config, data_dir: Path, announce: Callable[[str], None]) -> Iterator[Servers]:
    """Both servers until the end of the block, and the data directory ours alone; raises EmbeddedError."""
    if config.database_url and config.broker_url:
        with held(data_dir):
            nothing = Mender({}, announce)
            yield Servers(
                config.database_url, config.broker_url, own_database=False, own_broker=False, mender=nothing
            )
        return
    with running(data_dir, announce) as stack:
        own: dict[str, Postgres | Valkey] = {"Postgres": stack.postgres, "Valkey": stack.valkey}
        if config.database_url:
            own.pop("Postgres").stop()
        if config.broker_url:
            own.pop("Valkey").stop()
        yield Servers(
            config.database_url or stack.database_url,
            config.broker_url or stack.broker_url,
            own_database="Postgres" in own,
            own_broker="Valkey" in own,
            mender=Mender(own, announce),
        )
