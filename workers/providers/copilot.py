"""GitHub's REST API as far as Copilot needs it: dispatched workflows and agent tasks, requests and replies.

A job is found again by its correlation id: the shipped workflow shows it in its run's name, an agent task
in its prompt. Replies of another shape raise `ValueError`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import quote
from uuid import UUID

import orjson

from schemas.copilot import CopilotOptions
from schemas.errors import Category, Failure
from schemas.tasks import TaskKind
from workers.context import Message

EVENT: Final = "copilot-generation"
ARTIFACT: Final = "orchestrator-answer"
ANSWER_FILES: Final = ("answer.md", "answer.txt", "answer.diff")
USAGE_FILE: Final = "usage.json"
MOST_CONTEXT: Final = 60_000
"""Bytes that a prompt may take in an event, as JSON: GitHub takes payloads below 64 KB."""

SECONDARY_LIMIT: Final = 60.0
"""What GitHub asks to wait at least where a limit names no time; seconds."""

_API_VERSION: Final = "2022-11-28"
_AGENT_API_VERSION: Final = "2026-03-10"
_JSON: Final = "application/vnd.github+json"
_DIFF: Final = "application/vnd.github.diff"
_AGENT_NOTE: Final = (
    "Make this change in the repository itself and open a pull request with it. Where the text below asks "
    "for edit blocks, commit the changes instead. Change nothing else.\n\n"
)
_TURNS: Final = {"system": "", "user": "", "assistant": "Your earlier answer, which was refused:\n\n"}


@dataclass(frozen=True, slots=True)
class JobRequest:
    """An HTTP request below the provider's base URL."""

    method: Literal["GET", "POST"]
    path: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A workflow's run, or an agent task, as GitHub tells of it.

    `result` None while it goes on, else `success` or why there is no answer. `nano_credits` None: unsaid.
    """

    id: str
    result: str | None
    branches: tuple[str, ...] = ()
    nano_credits: int | None = None
    told_usage: bool = False
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a run left behind."""

    id: str
    size: int
    expired: bool


def prompt_of(messages: tuple[Message, ...]) -> str:
    """All messages as the one text that a job takes."""
    return "\n\n".join(_TURNS[message.role] + message.content for message in messages)


def size_of(prompt: str) -> int:
    """Bytes that a prompt takes in an event: line breaks and quotes take more there than by themselves."""
    return len(orjson.dumps(prompt))


def branch_of(call_id: UUID) -> str:
    """The branch on which the shipped workflow leaves a change that it makes in the repository."""
    return f"orchestrator/{call_id}"


class GitHub:
    """The requests of one provider's repository, under its token."""

    def __init__(self, options: CopilotOptions, credential: str | None) -> None:
        self._options = options
        self._credential = credential
        self._owner, self._name = options.repository.split("/")
        self._repo = f"/repos/{self._owner}/{self._name}"
        self._agents = f"/agents{self._repo}/tasks"

    def dispatch(self, call_id: UUID, kind: TaskKind, branch: str | None, prompt: str) -> JobRequest:
        """Start the workflow; GitHub answers 204 and names no run."""
        payload = {
            "correlation_id": str(call_id),
            "kind": str(kind),
            "context": prompt,
            "repository": self._options.repository,
            "branch": branch or self._options.branch,
            "result_branch": branch_of(call_id),
        }
        body = orjson.dumps({"event_type": EVENT, "client_payload": payload})
        return JobRequest("POST", f"{self._repo}/dispatches", self._headers(), body)

    def workflow(self) -> JobRequest:
        """The workflow itself: it is there, and the token may see it."""
        where = f"{self._repo}/actions/workflows/{quote(self._options.workflow)}"
        return JobRequest("GET", where, self._headers())

    def runs(self) -> JobRequest:
        """The newest runs of the workflow."""
        where = f"{self._repo}/actions/workflows/{quote(self._options.workflow)}/runs"
        return JobRequest("GET", f"{where}?event=repository_dispatch&per_page=100", self._headers())

    def run(self, run_id: str) -> JobRequest:
        """One run."""
        return JobRequest("GET", f"{self._repo}/actions/runs/{quote(run_id, safe='')}", self._headers())

    def cancel(self, run_id: str) -> JobRequest:
        """Ask for a run to be cancelled: 202, or 409 where it has ended."""
        where = f"{self._repo}/actions/runs/{quote(run_id, safe='')}/cancel"
        return JobRequest("POST", where, self._headers(), b"")

    def artifacts(self, run_id: str) -> JobRequest:
        """The run's artifact with the answer, if it has one."""
        where = f"{self._repo}/actions/runs/{quote(run_id, safe='')}/artifacts"
        return JobRequest("GET", f"{where}?name={ARTIFACT}&per_page=10", self._headers())

    def archive(self, artifact_id: str) -> JobRequest:
        """Where the artifact's zip is: answered by a redirect that takes no token."""
        where = f"{self._repo}/actions/artifacts/{quote(artifact_id, safe='')}/zip"
        return JobRequest("GET", where, self._headers())

    def pulls(self, branch: str) -> JobRequest:
        """The pull requests from a branch of the repository."""
        head = quote(f"{self._owner}:{branch}", safe="")
        return JobRequest("GET", f"{self._repo}/pulls?state=all&per_page=10&head={head}", self._headers())

    def diff(self, number: int) -> JobRequest:
        """A pull request as a diff."""
        return JobRequest("GET", f"{self._repo}/pulls/{number}", self._headers(accept=_DIFF))

    def start_agent(self, call_id: UUID, branch: str | None, prompt: str, model: str) -> JobRequest:
        """Start an agent task."""
        wanted: dict[str, Any] = {
            "prompt": f"{_AGENT_NOTE}{prompt}\n\nCorrelation id: {call_id}",
            "base_ref": branch or self._options.branch,
            "create_pull_request": True,
        }
        if model != "auto":
            wanted["model"] = model
        return JobRequest("POST", self._agents, self._headers(_AGENT_API_VERSION), orjson.dumps(wanted))

    def agent_tasks(self) -> JobRequest:
        """The newest agent tasks of the repository."""
        where = f"{self._agents}?sort=created_at&direction=desc&per_page=10"
        return JobRequest("GET", where, self._headers(_AGENT_API_VERSION))

    def agent_task(self, task_id: str) -> JobRequest:
        """One agent task with its sessions."""
        return JobRequest(
            "GET", f"{self._agents}/{quote(task_id, safe='')}", self._headers(_AGENT_API_VERSION)
        )

    def _headers(self, version: str = _API_VERSION, accept: str = _JSON) -> dict[str, str]:
        headers = {"Accept": accept, "X-GitHub-Api-Version": version, "User-Agent": "orchestrator"}
        if self._credential is not None:
            headers["Authorization"] = f"Bearer {self._credential}"
        return headers


def found_runs(body: bytes, call_id: UUID) -> tuple[Run, ...]:
    """The runs that show this correlation id in their name, the newest first; usually one."""
    runs = _list(_object(body), "workflow_runs")
    return tuple(_run(run) for run in runs if str(call_id) in f"{run.get('display_title')} {run.get('name')}")


def read_run(body: bytes) -> Run:
    """One run."""
    return _run(_object(body))


def read_artifact(body: bytes) -> Artifact | None:
    """The newest artifact with the answer."""
    for artifact in _list(_object(body), "artifacts"):
        if artifact.get("name") == ARTIFACT:
            size, expired = int(artifact.get("size_in_bytes") or 0), bool(artifact.get("expired"))
            return Artifact(_id(artifact), size, expired)
    return None


def read_pull(body: bytes) -> tuple[int, str] | None:
    """Number and title of the newest pull request."""
    pulls = orjson.loads(body)
    if not isinstance(pulls, list):
        raise ValueError("the pull requests must be a list")
    return (int(pulls[0]["number"]), str(pulls[0].get("title") or "")) if pulls else None


def agent_task_ids(body: bytes) -> tuple[str, ...]:
    """The ids of listed agent tasks."""
    return tuple(_id(task) for task in _list(_object(body), "tasks"))


def read_agent_task(body: bytes) -> Run:
    """An agent task: its state, the branches it worked on, the credits its sessions used."""
    task = _object(body)
    sessions = _list(task, "sessions") if task.get("sessions") else []
    told = [session["usage"] for session in sessions if isinstance(session.get("usage"), dict)]
    used = [_nano_credits(usage) for usage in told]
    known = [each for each in used if each is not None]
    return Run(
        id=_id(task),
        result=_AGENT_RESULTS.get(str(task.get("state"))),
        branches=tuple(dict.fromkeys(str(each["head_ref"]) for each in sessions if each.get("head_ref"))),
        nano_credits=sum(known) if known and len(known) == len(sessions) else None,
        told_usage=bool(told),
        model=next((str(each["model"])[:200] for each in sessions if each.get("model")), None),
    )


def shows(body: bytes, call_id: UUID) -> bool:
    """Whether an agent task was started with this correlation id."""
    task = _object(body)
    return any(str(call_id) in str(session.get("prompt")) for session in _list(task, "sessions"))


def read_usage(text: str) -> int | None:
    """Billionths of an AI credit that the workflow's `usage.json` tells of; None if it tells nothing."""
    told = orjson.loads(text)
    used = told.get("ai_credits") if isinstance(told, dict) else None
    return round(used * 10**9) if isinstance(used, int | float) and 0 <= used < 10**6 else None


def failure_of(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Failure:
    """What an HTTP error of GitHub means; `now` in seconds since 1970."""
    message = _message(body) or f"GitHub answered with status {status}."
    if status == 429 or (status == 403 and _limited(headers, message)):
        wait = _retry_after(headers, now)
        return Failure(category=Category.RATE_LIMITED, message=message, http_status=status, retry_after=wait)
    category, remedy = _MEANINGS.get(status, _BY_DEFAULT[status >= 500])
    return Failure(category=category, message=message + remedy, http_status=status)


_BY_DEFAULT: Final = ((Category.BAD_REQUEST, ""), (Category.SERVER_ERROR, ""))
_MEANINGS: Final[dict[int, tuple[Category, str]]] = {
    401: (Category.UNAUTHORIZED, " Set the provider's credential to a token that GitHub takes."),
    403: (Category.UNAUTHORIZED, " Give the token the permissions that docs/copilot.md lists."),
    404: (
        Category.MODEL_NOT_FOUND,
        " Check options.copilot.repository and options.copilot.workflow, and that the token may see them.",
    ),
    503: (Category.OVERLOADED, ""),
}
_RESULTS: Final = {"failure": "failed", "startup_failure": "failed", "cancelled": "cancelled"}
_AGENT_RESULTS: Final = {
    "completed": "success",
    "failed": "failed",
    "timed_out": "timed_out",
    "cancelled": "cancelled",
    "waiting_for_user": "waiting_for_user",
}


def _limited(headers: Mapping[str, str], message: str) -> bool:
    used_up = headers.get("x-ratelimit-remaining") == "0"
    return used_up or "retry-after" in headers or "rate limit" in message.lower()


def _retry_after(headers: Mapping[str, str], now: float) -> float:
    for name, start in (("retry-after", 0.0), ("x-ratelimit-reset", now)):
        try:
            seconds = float(headers.get(name, "")) - start
        except ValueError:
            continue
        if 0 <= seconds < 86_400:
            return seconds
    return SECONDARY_LIMIT


def _run(run: dict[str, Any]) -> Run:
    if run.get("status") != "completed":
        return Run(_id(run), None)
    conclusion = str(run.get("conclusion"))
    return Run(_id(run), _RESULTS.get(conclusion, conclusion))


def _nano_credits(usage: dict[str, Any]) -> int | None:
    amount = usage.get("amount")
    if usage.get("type") != "ai_credits" or not isinstance(amount, int | float):
        return None
    return int(amount) if 0 <= amount < 10**15 else None


def _object(body: bytes) -> dict[str, Any]:
    value = orjson.loads(body)
    if not isinstance(value, dict):
        raise ValueError("GitHub's answer must be an object")
    return value


def _list(value: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = value.get(key)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ValueError(f"GitHub's answer must hold a list of {key}")
    return found


def _id(value: dict[str, Any]) -> str:
    found = value.get("id")
    if not isinstance(found, int | str) or not str(found):
        raise ValueError("GitHub's answer must name an id")
    return str(found)[:200]


def _message(body: bytes) -> str:
    try:
        told = orjson.loads(body)
    except ValueError:
        return ""
    message = told.get("message") if isinstance(told, dict) else None
    return str(message)[:500].replace("\0", "\ufffd") if message else ""
