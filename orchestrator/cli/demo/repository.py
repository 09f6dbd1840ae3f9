"""A small git repository of our own: files in, diffs and test results out.

Neither the user's git settings nor a surrounding repository reach it.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestrator.cli.exits import Ending
from orchestrator.config import child_environment

_AS: Final = (
    "-c",
    "user.name=Orchestrator demo",
    "-c",
    "user.email=demo@localhost",
    "-c",
    "core.autocrlf=false",
)
_SECONDS: Final = 60


@dataclass(frozen=True)
class Ran:
    """A command that ended."""

    ok: bool
    output: str


@dataclass(frozen=True)
class Repository:
    """A repository at `root`."""

    root: Path

    def begin(self, files: dict[str, str]) -> None:
        """Make it, with these files committed."""
        self.root.mkdir(parents=True)
        self._must("init", "--quiet")
        self.write(files)
        self._must("add", "--all")
        self._must("commit", "--quiet", "--message", "as it is")

    def write(self, files: dict[str, str]) -> None:
        """Put these texts into its files."""
        for path, content in files.items():
            place = self.root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode())

    def diff(self) -> str:
        """What changed since the commit."""
        return self._must("diff", "--no-color", "--no-ext-diff")

    def changed(self) -> list[str]:
        """The files that differ from the commit."""
        return self._must("diff", "--name-only").split()

    def apply(self, diff: str) -> Ran:
        """`git apply`, with the diff on its standard input."""
        return run(["git", *_AS, "apply", "-"], self.root, diff)

    def test(self) -> Ran:
        """The repository's own tests."""
        return run([sys.executable, "-B", "-m", "unittest", "discover", "-s", "tests", "-t", "."], self.root)

    def _must(self, *arguments: str) -> str:
        ran = run(["git", *_AS, *arguments], self.root)
        if not ran.ok:
            raise Ending(f"git {arguments[0]} failed: {ran.output.strip()}")
        return ran.output


def run(command: Sequence[str], folder: Path, stdin: str = "") -> Ran:
    """Run a command in a folder; what it printed, errors included."""
    environment = child_environment(
        GIT_CONFIG_GLOBAL=os.devnull,
        GIT_CONFIG_NOSYSTEM="1",
        GIT_CEILING_DIRECTORIES=str(folder.parent),
        GIT_DIR=None,
        GIT_WORK_TREE=None,
        GIT_INDEX_FILE=None,
        PYTHONIOENCODING="utf-8",
    )
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            input=stdin.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise Ending(f"{command[0]} is not installed here.") from error
    except subprocess.TimeoutExpired:
        return Ran(ok=False, output=f"{command[0]} had not ended after {_SECONDS} s")
    return Ran(done.returncode == 0, done.stdout.decode(errors="replace"))
