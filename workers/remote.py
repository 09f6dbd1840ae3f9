"""A job as it stands at GitHub: started, found, looked at, read and cancelled over HTTP.

What GitHub does wrong is raised as `Trouble`, which carries the failure; a visit makes a value of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from uuid import UUID

from orchestrator import clock
from orchestrator.flow.take_up import Job
from schemas.copilot import JobWay
from schemas.errors import Category, Failure
from schemas.providers import Provider
from schemas.tasks import TaskKind
from workers.archive import BadArchive, unpacked
from workers.fetch import Fetched, download, fetch
from workers.process import Process
from workers.providers import copilot
from workers.providers.copilot import GitHub, JobRequest, Run

T = TypeVar("T")
MOST_REPLY: Final = 4 * 1024 * 1024
_CONFLICT: Final = 409
_REDIRECTS: Final = (301, 302, 303, 307, 308)


class Trouble(Exception):
    """GitHub refused, failed or said nothing."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Answer:
    """What a job brought, in the form that answers have, and the credits it tells of."""

    text: str
    nano_credits: int | None
    told_usage: bool
    model: str | None


class Remote:
    """One provider's repository as a visit talks to it.

    `heard`: it answered usefully. `trouble`: what last went wrong with an exchange.
    """

    def __init__(self, process: Process, provider: Provider, github: GitHub, way: JobWay) -> None:
        self._process, self._provider, self._github = process, provider, github
        self._agent = way is JobWay.AGENT_TASK
        self.heard = False
        self.trouble: Failure | None = None

    def start(self, job: Job) -> str | None:
        """Send the job; its id at GitHub, where that is told."""
        if self._agent:
            model = job.model or "auto"
            request = self._github.start_agent(job.id, job.branch, job.prompt, model)
            return self._read(request, copilot.read_agent_task).id
        kind = job.kind or TaskKind.GENERATE_CODE
        self._ask(self._github.dispatch(job.id, kind, job.branch, job.prompt))
        return None

    def find(self, call_id: UUID) -> str | None:
        """The id of the job with this correlation id, if it is there; of two runs the older one goes on."""
        if not self._agent:
            runs = self._read(self._github.runs(), lambda body: copilot.found_runs(body, call_id))
            for run in runs[:-1]:
                if run.result is None:
                    self.cancel(run.id)
            return runs[-1].id if runs else None
        for task_id in self._read(self._github.agent_tasks(), copilot.agent_task_ids):
            request = self._github.agent_task(task_id)
            if self._read(request, lambda body: copilot.shows(body, call_id)):
                return task_id
        return None

    def look(self, remote_id: str) -> Run:
        """How the job is."""
        if self._agent:
            return self._read(self._github.agent_task(remote_id), copilot.read_agent_task)
        return self._read(self._github.run(remote_id), copilot.read_run)

    def cancel(self, remote_id: str) -> None:
        """Cancel a run; one that has ended already is fine."""
        self._ask(self._github.cancel(remote_id), fine=(_CONFLICT,))

    def answer(self, call_id: UUID, run: Run) -> Answer:
        """What a run that succeeded brought: its artifact, else the diff of its pull request."""
        if not self._agent:
            artifact = self._read(self._github.artifacts(run.id), copilot.read_artifact)
            if artifact is not None and not artifact.expired:
                return self._of_artifact(artifact)
        for branch in run.branches if self._agent else (copilot.branch_of(call_id),):
            pull = self._read(self._github.pulls(branch), copilot.read_pull)
            if pull is not None:
                diff = self._ask(self._github.diff(pull[0]), most=self._most).body.decode("utf-8", "replace")
                text = f"{' '.join(pull[1].split())}\n\n{_diff(diff)}"
                return Answer(text, run.nano_credits, run.told_usage, run.model)
        raise _nothing(f"The run {run.id} left neither an artifact {copilot.ARTIFACT!r} nor a pull request.")

    @property
    def _most(self) -> int:
        return self._process.config.max_answer_bytes

    def _of_artifact(self, artifact: copilot.Artifact) -> Answer:
        if artifact.size > self._most:
            raise _nothing(f"The artifact has {artifact.size} bytes; at most {self._most} are read.")
        told = self._ask(self._github.archive(artifact.id), fine=_REDIRECTS, most=self._most)
        if told.status in _REDIRECTS:
            url = told.headers.get("location", "")
            downloading = download(self._process.parts, self._provider, url, self._most)
            told = self._good(self._process.wait(downloading))
        try:
            files = unpacked(told.body, (*copilot.ANSWER_FILES, copilot.USAGE_FILE), self._most)
        except BadArchive as error:
            raise _nothing(str(error)) from error
        name = next((name for name in copilot.ANSWER_FILES if files.get(name, "").strip()), None)
        if name is None:
            raise _nothing(f"The artifact holds none of {', '.join(copilot.ANSWER_FILES)}, or it is empty.")
        text = _diff(files[name]) if name.endswith(".diff") else files[name]
        usage = files.get(copilot.USAGE_FILE)
        return Answer(text, _usage(usage) if usage else None, bool(usage), None)

    def _read(self, request: JobRequest, read: Callable[[bytes], T]) -> T:
        fetched = self._ask(request)
        try:
            return read(fetched.body)
        except (ValueError, KeyError, TypeError) as error:
            message = f"GitHub's answer to {request.method} {request.path[:200]} can't be read: {error}"
            raise self._told(Failure(category=Category.MALFORMED, message=message[:500])) from error

    def _ask(self, request: JobRequest, fine: tuple[int, ...] = (), most: int = MOST_REPLY) -> Fetched:
        own = {**self._provider.options.headers, **request.headers}
        fetching = fetch(self._process.parts, self._provider, replace(request, headers=own), most)
        fetched = self._process.wait(fetching)
        return self._good(fetched, fine)

    def _good(self, fetched: Fetched | Failure, fine: tuple[int, ...] = ()) -> Fetched:
        if isinstance(fetched, Failure):
            raise self._told(fetched)
        if not 200 <= fetched.status < 300 and fetched.status not in fine:
            now = clock.now().timestamp()
            raise self._told(copilot.failure_of(fetched.status, fetched.headers, fetched.body, now))
        self.heard = True
        return fetched

    def _told(self, failure: Failure) -> Trouble:
        self.trouble = failure
        return Trouble(failure)


def _nothing(message: str) -> Trouble:
    return Trouble(Failure(category=Category.JOB_WITHOUT_ANSWER, message=message))


def _diff(text: str) -> str:
    """A diff as the answer that it is, to be read and verified like any other."""
    if not text.startswith("diff --git ") and "\ndiff --git " not in text:
        raise _nothing("The diff is not usable. It is no git diff: no line begins with `diff --git`.")
    return text


def _usage(text: str) -> int | None:
    try:
        return copilot.read_usage(text)
    except ValueError:
        return None
