"""A command line whose API is a script, and whose data directory is empty."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator import config as settings
from orchestrator.cli.app import run
from orchestrator.cli.session import Session
from tests.unit.client.scripted import Answer, Api, api


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "KEY"):
        monkeypatch.delenv(f"ORCHESTRATOR_API_{name}", raising=False)
    monkeypatch.delenv("ORCHESTRATOR_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    settings.config.cache_clear()


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run `orchestrator` with these arguments."""

    def call(*arguments: str) -> Ended:
        code = run(arguments)
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return call


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Api]:
    """Let the commands talk to an API that answers like this."""

    def scripted(*answers: Answer) -> Api:
        server = api(*answers)
        monkeypatch.setattr(Session, "client", lambda _: server.client())
        return server

    return scripted
