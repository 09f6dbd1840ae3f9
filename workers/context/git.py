"""git over a bundle that a stranger sent: a bare repository in a temporary folder, with nothing of ours near.

No configuration of the machine, no hooks, no protocol but the file, no prompts; each command has an end in
time and bounds on memory, files and output. Objects are checked as they come in.
"""

import os
import resource
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Self

SECONDS: Final = 30
MOST_OUTPUT: Final = 32_000_000
_MEMORY: Final = 1_000_000_000
_FILE: Final = 200_000_000
_SETTINGS: Final = (
    "core.hooksPath=/dev/null", "protocol.allow=never", "protocol.file.allow=always",
    "fetch.fsckObjects=true", "fetch.recurseSubmodules=false", "gc.auto=0", "maintenance.auto=false",
    "core.quotePath=false", "core.attributesFile=/dev/null", "pack.threads=1", "core.bigFileThreshold=20m",
)  # fmt: skip
_ENVIRONMENT: Final = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
    "PATH": os.defpath,
}


class GitFailed(Exception):
    """git could not do it; the message is for the submitter."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a tree; `regular` is neither a link nor another repository."""

    path: str
    object: str
    size: int
    regular: bool


@dataclass(frozen=True, slots=True)
class Git:
    """One repository, unpacked from a bundle."""

    folder: Path

    @classmethod
    def of_bundle(cls, folder: Path, data: bytes) -> Self:
        """A repository with all that a bundle holds. Raises `GitFailed`."""
        bundle, repository = folder / "bundle", folder / "repository"
        bundle.write_bytes(data)
        git = cls(repository)
        git._run("init", "--quiet", "--bare", "--template=", str(repository), inside=False)
        # Beside the repository's own names: its HEAD stays unborn, so no attributes of the tree are obeyed.
        git._run("fetch", "--quiet", "--no-tags", str(bundle), "+refs/*:refs/bundle/*")
        git._run("fetch", "--quiet", "--no-tags", str(bundle), "+HEAD:refs/bundle-head", missing=True)
        return git

    def found(self, name: str | None) -> str:
        """The id of a commit by its name, id or ref; without one, of HEAD or the only branch."""
        known = (f"refs/bundle/{place}/{name}" for place in ("heads", "tags", "remotes"))
        full = f"refs/bundle/{str(name).removeprefix('refs/')}"
        tries = [str(name), *known, full] if name and name != "HEAD" else ["refs/bundle-head"]
        for each in tries:
            found = self._run("rev-parse", "--verify", "--quiet", f"{each}^{{commit}}", missing=True)
            if found:
                return found.decode().strip()
        if name:
            raise GitFailed(f"it has no commit {name!r}.")
        refs = self._run("for-each-ref", "--format=%(objectname)", "refs/bundle").decode().split()
        if len(set(refs)) != 1:
            raise GitFailed("it has no HEAD: name the commit in context.bundle.commit.")
        return self.found(refs[0])

    def entries(self, commit: str) -> list[Entry]:
        """The files of a commit's tree."""
        found = []
        for row in self._run("ls-tree", "-r", "-l", "-z", "--full-tree", commit).split(b"\0"):
            if not row:
                continue
            facts, _, path = row.partition(b"\t")
            mode, _, name, size = facts.split()
            regular = mode in (b"100644", b"100755")
            count = int(size) if size.isdigit() else 0
            found.append(Entry(path.decode("utf-8", "backslashreplace"), name.decode(), count, regular))
        return found

    def texts(self, entries: Sequence[Entry], largest: int) -> dict[str, str | None]:
        """The text of each entry; None where it is none, or is larger than `largest` bytes."""
        wanted = [entry for entry in entries if entry.size <= largest]
        found: dict[str, str | None] = {entry.path: None for entry in entries}
        asked = "".join(f"{entry.object}\n" for entry in wanted).encode()
        answer, at = self._run("cat-file", "--batch", given=asked), 0
        for entry in wanted:
            end = answer.index(b"\n", at)
            if answer[at:end].endswith(b" missing"):
                raise GitFailed(f"it lacks the content of {entry.path!r}.")
            size = int(answer[at:end].split()[2])
            data = answer[end + 1 : end + 1 + size]
            at = end + size + 2
            found[entry.path] = _text(data)
        return found

    def diff(self, base: str, commit: str) -> str:
        """What was changed since the base, as a unified diff."""
        asked = ("--no-ext-diff", "--no-textconv", "--no-color", "--unified=5", "--find-renames")
        changed = self._run("diff", *asked, f"{base}...{commit}", "--", missing=True)
        # A bundle of a few commits may lack what the two have in common: then the trees are compared.
        return (changed or self._run("diff", *asked, base, commit, "--")).decode("utf-8", "replace")

    def _run(self, *asked: str, given: bytes = b"", missing: bool = False, inside: bool = True) -> bytes:
        """The output of a command; `missing`: one that finds nothing is no failure."""
        program = shutil.which("git")
        if program is None:
            raise GitFailed("git is not installed where the workers run.")
        settings = [part for each in _SETTINGS for part in ("-c", each)]
        where = [f"--git-dir={self.folder}"] if inside else []
        home = self.folder.parent
        # Files and not pipes: a bound on their size holds, whatever git would say.
        with (
            (home / "in").open("w+b") as asks,
            (home / "out").open("w+b") as said,
            (home / "err").open("w+b") as err,
        ):
            asks.write(given)
            asks.seek(0)
            with subprocess.Popen(
                [program, *settings, *where, *asked],
                stdin=asks,
                stdout=said,
                stderr=err,
                env=_ENVIRONMENT | {"HOME": str(home)},
                cwd=home,
            ) as process:
                _bound(process.pid)
                try:
                    failed = process.wait(SECONDS)
                except subprocess.TimeoutExpired as error:
                    process.kill()
                    raise GitFailed(f"git took longer than {SECONDS} seconds.") from error
            return self._said(asked[0], said, err, failed=bool(failed), missing=missing)

    @staticmethod
    def _said(command: str, said: BinaryIO, err: BinaryIO, *, failed: bool, missing: bool) -> bytes:
        if failed and missing:
            return b""
        if failed:
            err.seek(0)
            lines = err.read(4_000).decode("utf-8", "replace").strip().splitlines() or ["it failed"]
            raise GitFailed(f"git {command}: {lines[0][:300]}")
        if said.seek(0, os.SEEK_END) > MOST_OUTPUT:
            raise GitFailed(f"git said more than {MOST_OUTPUT:,} bytes.")
        said.seek(0)
        return said.read()


def _bound(pid: int) -> None:
    """Bounds on a child, where the system has them for other processes (Linux)."""
    if not hasattr(resource, "prlimit"):
        return
    try:
        resource.prlimit(pid, resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (_FILE, _FILE))
        resource.prlimit(pid, resource.RLIMIT_CPU, (SECONDS, SECONDS))
    except (ProcessLookupError, PermissionError):
        return


def _text(data: bytes) -> str | None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
