"""Postgres and Valkey together, over one data directory: the whole embedded stack.

`running` starts both, holds the directory's lock, and stops both at the end. When its process is
killed the servers go on; the next `running` takes them over with their data.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.embedded.account import for_postgres
from orchestrator.embedded.binaries import postgres_bin, valkey_server
from orchestrator.embedded.cluster import MAJOR, Cluster
from orchestrator.embedded.directory import (
    Remembered,
    free_port,
    held,
    is_free,
    make_enterable,
    recall,
    remember,
    unusable,
)
from orchestrator.embedded.errors import EmbeddedError
from orchestrator.embedded.postgres import Postgres
from orchestrator.embedded.valkey import Valkey

SHARED = Path("/var/lib/orchestrator")


@dataclass(frozen=True)
class Stack:
    """A running stack: its addresses, and its servers for whoever wants to break them."""

    database_url: str
    broker_url: str
    data_dir: Path
    postgres: Postgres
    valkey: Valkey


@contextmanager
def running(data_dir: Path, announce: Callable[[str], None]) -> Iterator[Stack]:
    """Run the stack until the end of the block; raises EmbeddedError, whose text says what to do.

    `announce` is told, in one line each, what a user has to know.
    """
    data_dir = data_dir.resolve()
    with ExitStack() as closing:
        closing.enter_context(held(data_dir))
        try:
            stack = _prepared(data_dir, announce)
            closing.callback(stack.valkey.stop)
            closing.callback(stack.postgres.stop)
            stack.valkey.start()
            stack.postgres.start()
        except OSError as error:
            raise unusable(data_dir, error) from error
        yield stack


def attached(data_dir: Path) -> Stack:
    """The stack that another process runs on this directory, without its lock: to look at or to break."""
    data_dir = data_dir.resolve()
    remembered = recall(data_dir)
    if remembered is None:
        raise EmbeddedError(
            f"No embedded stack was ever started in {data_dir}.", "Start it: orchestrator up."
        )
    return _stack(data_dir, _cluster(data_dir), remembered)


def _prepared(data_dir: Path, announce: Callable[[str], None]) -> Stack:
    """Everything in place to start: a cluster whose password we know, ports that are free or ours."""
    cluster = _cluster(data_dir)
    if cluster.account and cluster.data.parent != data_dir:
        announce(f"Postgres' data are in {cluster.data}: user {cluster.account.name} can't enter {data_dir}")
    known = recall(data_dir)
    stack = _stack(data_dir, cluster, known or Remembered.new())
    if known is None:
        _reclaim(stack)
    if not cluster.exists:
        announce(f"making a PostgreSQL {MAJOR} cluster in {cluster.data}")
        cluster.make(stack.postgres.password)
    return _with_free_ports(stack)


def _reclaim(stack: Stack) -> None:
    """Passwords were lost, or never were: what still runs is stopped, and the cluster gets a new one."""
    stack.valkey.kill()
    stack.postgres.stop()
    if stack.postgres.cluster.exists:
        stack.postgres.cluster.set_password(stack.postgres.password)


def _with_free_ports(stack: Stack) -> Stack:
    """Keep the ports of earlier starts unless a stranger listens there now; remember the outcome."""
    postgres, valkey = stack.postgres, stack.valkey
    remembered = Remembered(
        postgres_port=_kept(postgres.port, running=postgres.pid is not None),
        valkey_port=_kept(valkey.port, running=valkey.pid is not None),
        postgres_password=postgres.password,
        valkey_password=valkey.password,
    )
    remember(stack.data_dir, remembered)
    return _stack(stack.data_dir, postgres.cluster, remembered)


def _kept(port: int, *, running: bool) -> int:
    return port if running or is_free(port) else free_port()


def _cluster(data_dir: Path) -> Cluster:
    """The cluster in the data directory or, where Postgres' user can't get there, in a folder of ours."""
    data = data_dir / "postgres"
    account = for_postgres(data)
    if account and not account.can_enter(data_dir):
        data = SHARED / hashlib.sha256(bytes(data_dir)).hexdigest()[:16] / "postgres"
        account = for_postgres(data)
        make_enterable(data.parent)
    return Cluster(data, postgres_bin(account, SHARED), account)


def _stack(data_dir: Path, cluster: Cluster, remembered: Remembered) -> Stack:
    postgres = Postgres(cluster, remembered.postgres_port, remembered.postgres_password)
    program, password = valkey_server(), remembered.valkey_password
    valkey = Valkey(data_dir / "valkey", program, remembered.valkey_port, password)
    return Stack(postgres.url, valkey.url, data_dir, postgres, valkey)
