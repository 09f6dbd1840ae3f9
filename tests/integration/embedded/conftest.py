"""Data directories of their own for stacks that tests start and break."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.embedded.errors import EmbeddedError
from orchestrator.embedded.stack import Stack, attached, running


@pytest.fixture
def new_dir() -> Iterator[Path]:
    """A directory yet to be made, where every user may enter; removed with whatever still runs on it."""
    with _open_directory() as home:
        yield home / "data"
        wipe(home / "data")


@pytest.fixture(scope="module")
def used_dir() -> Iterator[Path]:
    """Where a stack ran once and was stopped."""
    with _open_directory() as home:
        with running(home / "data", lambda _line: None):
            pass
        yield home / "data"


@pytest.fixture
def data_dir(new_dir: Path, used_dir: Path) -> Path:
    """A copy of a used directory: it spares a test the making of a cluster."""
    subprocess.run(["cp", "-a", used_dir, new_dir], check=True)
    return new_dir


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A running stack for tests that only look at it."""
    with _open_directory() as home, running(home / "data", lambda _line: None) as stack:
        yield stack


@contextmanager
def _open_directory() -> Iterator[Path]:
    # Not pytest's tmp_path, which only its owner may enter; the blank in the name is meant.
    with tempfile.TemporaryDirectory(prefix="embedded ") as home:
        Path(home).chmod(0o755)
        yield Path(home)


@pytest.fixture
def closed_dir(tmp_path: Path) -> Iterator[Path]:
    """A directory that only root may enter."""
    if os.geteuid() != 0:
        pytest.skip("only root lends Postgres another user")
    tmp_path.chmod(0o700)
    yield tmp_path / "data"
    wipe(tmp_path / "data")


def wipe(data_dir: Path) -> None:
    try:
        stack = attached(data_dir)
    except EmbeddedError:
        return
    stack.postgres.stop("immediate")
    stack.valkey.kill()
    elsewhere = stack.postgres.cluster.data.parent
    if elsewhere != stack.data_dir:
        shutil.rmtree(elsewhere)
