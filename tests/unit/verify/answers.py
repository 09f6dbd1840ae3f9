"""Requests and answers for the tests, and git as the witness of our patches."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas.results import CodeResult, ReviewResult
from schemas.tasks import TASK_REQUEST, TaskRequest
from workers.verify import Accepted, Rejected, verify


def code_request(files: Mapping[str, str] | None = None, **context: Any) -> TaskRequest:
    preferences = context.pop("preferences", {})
    given = [{"path": path, "content": content} for path, content in (files or {}).items()]
    body = {"description": "Do it.", "files": given, **context}
    return TASK_REQUEST.validate_python(
        {"kind": "generate_code", "context": body, "preferences": preferences}
    )


def review_request(diff: str, **context: Any) -> TaskRequest:
    preferences = context.pop("preferences", {})
    return TASK_REQUEST.validate_python(
        {"kind": "review_code", "context": {"diff": diff, **context}, "preferences": preferences}
    )


def block(path: str, search: str, replace: str, width: int = 7) -> str:
    """One block; texts end with a line end or are empty."""
    return f"{path}\n{'<' * width} SEARCH\n{search}{'=' * width}\n{replace}{'>' * width} REPLACE\n"


def deletion(path: str) -> str:
    return f"{path}\n<<<<<<< DELETE\n"


def code(request: TaskRequest, answer: str) -> CodeResult:
    """The result of an answer that has to be accepted."""
    verdict = verify(request, answer)
    assert isinstance(verdict, Accepted), verdict
    assert isinstance(verdict.result, CodeResult)
    return verdict.result


def review(request: TaskRequest, answer: str) -> ReviewResult:
    verdict = verify(request, answer)
    assert isinstance(verdict, Accepted), verdict
    assert isinstance(verdict.result, ReviewResult)
    return verdict.result


def problems(request: TaskRequest, answer: str) -> str:
    """What is said about an answer that has to be refused."""
    verdict = verify(request, answer)
    assert isinstance(verdict, Rejected), verdict
    return "\n".join(verdict.problems)


def contents(result: CodeResult) -> dict[str, str | None]:
    return {change.path: change.content for change in result.files}


def tree_after(before: Mapping[str, str], result: CodeResult) -> dict[str, str]:
    """The whole tree by the result's own file list."""
    tree: dict[str, str | None] = {**before, **contents(result)}
    return {path: content for path, content in tree.items() if content is not None}


def git_applies(folder: Path, before: Mapping[str, str], diff: str) -> dict[str, str]:
    """The tree that `git apply` makes of the diff in a fresh repository."""
    folder.mkdir(parents=True)
    _git(folder, "init", "--quiet")
    for path, content in before.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode())
    _git(folder, "apply", "-", data=diff.encode())
    found = (
        file for file in folder.rglob("*") if file.is_file() and ".git" not in file.relative_to(folder).parts
    )
    return {file.relative_to(folder).as_posix(): file.read_bytes().decode() for file in found}


def _git(folder: Path, *arguments: str, data: bytes = b"") -> None:
    options = ("-c", "core.autocrlf=false", "-c", "core.quotePath=true")
    done = subprocess.run(
        ["git", *options, *arguments], cwd=folder, input=data, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace") + "\n" + data.decode(errors="replace")
    assert b"Skipped" not in done.stderr
