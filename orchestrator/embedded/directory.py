"""The data directory: one holder at a time, and what is remembered between starts.

The lock is the kernel's, so it ends with the process that holds it, however that process ends.
"""

import fcntl
import json
import os
import random
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from orchestrator.embedded.account import Account
from orchestrator.embedded.errors import DataDirectoryInUse, EmbeddedError
from orchestrator.embedded.processes import first_number

# Below the range from which systems take the ports of outgoing connections: a server that is down
# for a moment finds its port still free.
PORTS = range(20_000, 32_000)


@dataclass(frozen=True)
class Remembered:
    """Ports and passwords of one data directory."""

    postgres_port: int
    valkey_port: int
    postgres_password: str
    valkey_password: str

    @classmethod
    def new(cls) -> "Remembered":
        return cls(free_port(), free_port(), secrets.token_urlsafe(24), secrets.token_urlsafe(24))


@contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Be the only process that runs the embedded parts here."""
    try:
        if os.geteuid() == 0:
            make_enterable(data_dir)
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = (data_dir / "lock").open("a", encoding="utf-8")
    except OSError as error:
        raise unusable(data_dir, error) from error
    with lock:
        _take(lock, data_dir)
        yield


def _take(lock: TextIO, data_dir: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = first_number(data_dir / "lock") or "<pid>"
        raise DataDirectoryInUse(
            f"The data directory {data_dir} is in use by process {holder}.",
            f"Stop that process (Ctrl-C there, or kill {holder}), or give another one with --data-dir.",
        ) from error
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()


def recall(data_dir: Path) -> Remembered | None:
    """What an earlier start left; None where there was none or it can't be understood."""
    try:
        return Remembered(**json.loads((data_dir / "embedded.json").read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    except OSError as error:
        raise unusable(data_dir, error) from error


def remember(data_dir: Path, remembered: Remembered) -> None:
    """Keep it in a file that only its owner reads."""
    write_private(data_dir / "embedded.json", json.dumps(asdict(remembered), indent=2) + "\n")


def write_private(path: Path, text: str, owner: Account | None = None) -> None:
    """Put a file in place at once or not at all, readable by its owner alone."""
    aside = path.with_name(f"{path.name}.new")
    aside.unlink(missing_ok=True)
    aside.touch(mode=0o600)
    aside.write_text(text, encoding="utf-8")
    if owner:
        os.chown(aside, owner.uid, owner.gid)
    aside.replace(path)


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    for port in random.sample(PORTS, k=200):
        if is_free(port):
            return port
    raise EmbeddedError("No free port was found on 127.0.0.1.", "Stop some of the servers on this machine.")


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def make_enterable(folder: Path) -> None:
    """Make what is missing of the path, open to every user; what exists keeps its modes."""
    for path in reversed((folder, *folder.parents)):
        if not path.exists():
            path.mkdir()
            path.chmod(0o755)


def unusable(data_dir: Path, error: OSError) -> EmbeddedError:
    """The same failure in words, with what to do."""
    return EmbeddedError(
        f"The data directory {data_dir} can't be used: {error}.",
        "Start as the user it belongs to, or give another one with --data-dir.",
    )
