"""What a submit is made of on the command line: files of the tree, text from a file, a diff."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestrator.cli.exits import Misused


def text_of(source: str) -> str:
    """The text of a file, or of standard input for `-`."""
    try:
        if source == "-":
            return sys.stdin.buffer.read().decode("utf-8")
        return Path(source).read_text(encoding="utf-8")
    except OSError as error:
        raise Misused(f"{source} can't be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise Misused(f"{_named(source)} is not UTF-8 text.") from error


def source_files(paths: Sequence[Path]) -> list[dict[str, str]]:
    """Files as a context takes them: their paths below the current folder, their text."""
    return [{"path": _inner(path), "content": text_of(str(path))} for path in paths]


def diff(source: str | None, base: str | None) -> str:
    """The diff from a file or standard input; without a source, of the repository that we stand in."""
    if source is not None:
        if base is not None:
            raise Misused("Give a diff or --base, not both.")
        found, where = text_of(source), _named(source)
    else:
        found, where = _git_diff(base), "`git diff`"
    if not found.strip():
        raise Misused(f"There is nothing to review: {where} is empty.", "Name a commit with --base.")
    return found


def _git_diff(base: str | None) -> str:
    command = ["git", "diff", "--no-color", "--no-ext-diff", f"{base}..." if base else "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise Misused("git is not installed here.", "Give a diff as a file, or on standard input.") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        if said and "not a git repository" in said[0].lower():
            said = ["this folder is no git repository"]
        raise Misused(
            f"git diff: {said[0] if said else 'failed'}", "Give a diff as a file, or on standard input."
        )
    return done.stdout.decode("utf-8", errors="replace")


def _inner(path: Path) -> str:
    """The path as the task knows it; files outside the current folder can't be part of its tree."""
    try:
        return path.resolve().relative_to(Path.cwd().resolve()).as_posix()
    except ValueError as error:
        raise Misused(f"{path} is outside the current folder.", "Change to the root of the code.") from error


def _named(source: str) -> str:
    return "standard input" if source == "-" else source
