"""The help of every command, as it was when somebody last looked at it.

After a change that is meant: `python -m tests.unit.cli.test_help` writes the files anew.
"""

import io
import os
from contextlib import redirect_stdout
from pathlib import Path
from unittest.mock import patch

import pytest

from orchestrator.cli.app import run

GOLDEN = Path(__file__).parents[2] / "golden" / "cli"
COMMANDS = (
    "",
    "up",
    "demo",
    "doctor",
    "openapi",
    "version",
    "env",
    "submit",
    "submit generate-code",
    "submit chat",
    "submit fix-bug",
    "submit feature",
    "submit refactor",
    "submit tests",
    "submit document",
    "submit review",
    "submit task",
    "task",
    "task get",
    "task list",
    "task wait",
    "task result",
    "task cancel",
    "task retry",
    "task events",
    "task calls",
    "task explain",
    "config",
    "config show",
    "config set",
    "cache",
    "cache stats",
    "cache warm",
    "cache clear",
    "budget",
    "budget list",
    "budget set",
    "budget remove",
    "provider",
    "provider list",
    "provider show",
    "provider add",
    "provider set",
    "provider remove",
    "provider test",
    "provider pause",
    "provider resume",
    "provider models",
    "provider usage",
    "provider health",
    "provider gates",
    "provider reset",
    "worker",
    "worker list",
    "db",
    "db migrate",
    "db prepare",
    "db status",
    "ledger",
    "ledger verify",
    "ledger reprice",
)


def golden(command: str) -> Path:
    return GOLDEN / f"{command.replace(' ', '-') or 'orchestrator'}.txt"


def printed(command: str) -> str:
    terminal = {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb", "LC_ALL": "C.UTF-8"}
    with patch.dict(os.environ, terminal), redirect_stdout(io.StringIO()) as output:
        assert run((*command.split(), "--help")) == 0
    return output.getvalue()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_reads_as_it_did(command: str) -> None:
    assert printed(command) == golden(command).read_text(encoding="utf-8")


def test_no_golden_help_is_left_over() -> None:
    assert set(GOLDEN.glob("*.txt")) == {golden(command) for command in COMMANDS}


if __name__ == "__main__":
    for name in COMMANDS:
        golden(name).write_text(printed(name), encoding="utf-8")
