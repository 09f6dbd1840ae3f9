"""GitHub's REST API as a double: the documented endpoints that Copilot needs, over real HTTP.

It keeps what it was sent; `scene` says what a job comes to, `refusals` what is answered instead, once each.
"""

import io
import json
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

REPOSITORY = "acme/shop"
TOKEN = "ghp_of_the_test"
ANSWER = """I add a function.

src/adding.py
<<<<<<< SEARCH
=======
def add(left: int, right: int) -> int:
    return left + right
>>>>>>> REPLACE
"""
DIFF = """diff --git a/src/adding.py b/src/adding.py
new file mode 100644
index 0000000..1111111
--- /dev/null
+++ b/src/adding.py
@@ -0,0 +1,2 @@
+def add(left: int, right: int) -> int:
+    return left + right
"""


def zipped(**files: str) -> bytes:
    """An archive of files; `__` in a name stands for a dot."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return data.getvalue()


@dataclass
class Job:
    """What GitHub knows of one piece of work."""

    id: int
    correlation: str
    status: str = "in_progress"
    conclusion: str | None = None
    prompt: str = ""


@dataclass
class GitHubDouble:
    """The state of the double. `drop_next`: the next job is taken and its answer lost."""

    url: str = ""
    jobs: list[Job] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    payloads: list[dict[str, Any]] = field(default_factory=list)
    canceled: list[int] = field(default_factory=list)
    refusals: dict[str, list[web.Response]] = field(default_factory=dict)
    archive: bytes | None = field(default_factory=lambda: zipped(answer__md=ANSWER))
    diff: str | None = None
    usage: list[dict[str, Any]] = field(default_factory=list)
    hides: bool = False
    drop_next: bool = False
    workflow_state: str = "active"
    token: str = TOKEN
    teams: set[str] = field(default_factory=set)

    def end(self, conclusion: str = "success") -> None:
        """Every job has ended."""
        for job in self.jobs:
            job.status, job.conclusion = "completed", conclusion

    def refuse(self, path_part: str, status: int, headers: dict[str, str] | None = None, **body: Any) -> None:
        """Answer the next request whose path holds this with an error."""
        answer = web.json_response({"message": f"refused with {status}", **body}, status=status)
        answer.headers.update(headers or {})
        self.refusals.setdefault(path_part, []).append(answer)

    def asked(self, method: str, path_part: str) -> int:
        """How many such requests came."""
        return sum(method == each[0] and path_part in each[1] for each in self.requests)

    async def dispatch(self, incoming: web.Request) -> web.Response:
        body = await incoming.json()
        assert body["event_type"] == "copilot-generation"
        assert len(body["client_payload"]) <= 10
        self.payloads.append(body["client_payload"])
        return self._taken(incoming, body["client_payload"]["correlation_id"], "", web.Response(status=204))

    async def start(self, incoming: web.Request) -> web.Response:
        body = await incoming.json()
        self.payloads.append(body)
        told = web.json_response({"id": str(len(self.jobs) + 1), "state": "queued"}, status=201)
        return self._taken(incoming, body["prompt"][-36:], body["prompt"], told)

    def _taken(
        self, incoming: web.Request, correlation: str, prompt: str, told: web.Response
    ) -> web.Response:
        self.jobs.append(Job(len(self.jobs) + 1, correlation, prompt=prompt))
        if self.drop_next:
            self.drop_next = False
            assert incoming.transport is not None
            incoming.transport.close()
        return told

    async def workflow(self, _: web.Request) -> web.Response:
        return web.json_response({"id": 1, "name": "Copilot generation", "state": self.workflow_state})

    async def runs(self, _: web.Request) -> web.Response:
        seen = [] if self.hides else [self._run(job) for job in reversed(self.jobs)]
        return web.json_response({"total_count": len(seen), "workflow_runs": seen})

    async def run(self, incoming: web.Request) -> web.Response:
        return web.json_response(self._run(self._job(incoming)))

    def _run(self, job: Job) -> dict[str, Any]:
        name = f"Copilot {job.correlation}"
        return {"id": job.id, "name": name, "display_title": name} | {
            "status": job.status,
            "conclusion": job.conclusion,
        }

    def _job(self, incoming: web.Request) -> Job:
        return self.jobs[int(incoming.match_info["id"]) - 1]

    async def cancel(self, incoming: web.Request) -> web.Response:
        job = self._job(incoming)
        if job.status == "completed":
            return web.json_response({"message": "Cannot cancel a completed run"}, status=409)
        self.canceled.append(job.id)
        job.status, job.conclusion = "completed", "cancelled"
        return web.json_response({}, status=202)

    async def artifacts(self, incoming: web.Request) -> web.Response:
        assert incoming.query["name"] == "orchestrator-answer"
        found = (
            []
            if self.archive is None
            else [
                {"id": 7, "name": "orchestrator-answer", "size_in_bytes": len(self.archive), "expired": False}
            ]
        )
        return web.json_response({"total_count": len(found), "artifacts": found})

    async def zip(self, incoming: web.Request) -> web.Response:
        port = incoming.url.port
        raise web.HTTPFound(f"http://127.0.0.1:{port}/signed/artifact.zip?sig=x")

    async def signed(self, incoming: web.Request) -> web.Response:
        assert "Authorization" not in incoming.headers
        return web.Response(body=self.archive, content_type="application/zip")

    async def pulls(self, incoming: web.Request) -> web.Response:
        assert incoming.query["head"].startswith("acme:")
        found = [] if self.diff is None else [{"number": 3, "title": "Add a function"}]
        return web.json_response(found)

    async def pull(self, incoming: web.Request) -> web.Response:
        assert incoming.headers["Accept"] == "application/vnd.github.diff"
        return web.Response(text=self.diff)

    async def tasks(self, _: web.Request) -> web.Response:
        return web.json_response({"tasks": [{"id": str(job.id)} for job in reversed(self.jobs)]})

    async def task(self, incoming: web.Request) -> web.Response:
        job = self._job(incoming)
        session = {"prompt": job.prompt, "head_ref": "copilot/add", "model": "claude-sonnet-4.6"}
        sessions = [session | ({"usage": usage} if usage else {}) for usage in self.usage or [{}]]
        state = {"success": "completed", None: "in_progress"}.get(job.conclusion, job.conclusion)
        return web.json_response({"id": str(job.id), "state": state, "sessions": sessions})

    @web.middleware
    async def watch(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Keep the request; refuse it where that was asked for, or where it carries no token."""
        path = request.rel_url.path
        self.requests.append((request.method, path))
        signed = path.startswith("/signed/")
        if not signed:
            self.teams.add(request.headers.get("X-Team", ""))
        if not signed and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"message": "Bad credentials"}, status=401)
        for part, answers in self.refusals.items():
            if part in path and answers:
                return answers.pop(0)
        try:
            return await handler(request)
        except web.HTTPNotFound:
            self.strays.append(path)
            return web.json_response({"message": "Not Found"}, status=404)


@asynccontextmanager
async def github() -> AsyncIterator[GitHubDouble]:
    """A double on a free port. Nothing but the documented endpoints may be asked for."""
    double = GitHubDouble()
    app = web.Application(middlewares=[double.watch])
    repo, agents = f"/repos/{REPOSITORY}", f"/agents/repos/{REPOSITORY}/tasks"
    app.router.add_post(f"{repo}/dispatches", double.dispatch)
    app.router.add_get(f"{repo}/actions/workflows/copilot-generation.yml/runs", double.runs)
    app.router.add_get(f"{repo}/actions/workflows/copilot-generation.yml", double.workflow)
    app.router.add_get(f"{repo}/actions/runs/{{id}}", double.run)
    app.router.add_post(f"{repo}/actions/runs/{{id}}/cancel", double.cancel)
    app.router.add_get(f"{repo}/actions/runs/{{id}}/artifacts", double.artifacts)
    app.router.add_get(f"{repo}/actions/artifacts/7/zip", double.zip)
    app.router.add_get("/signed/artifact.zip", double.signed)
    app.router.add_get(f"{repo}/pulls", double.pulls)
    app.router.add_get(f"{repo}/pulls/3", double.pull)
    app.router.add_post(agents, double.start)
    app.router.add_get(agents, double.tasks)
    app.router.add_get(f"{agents}/{{id}}", double.task)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    double.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield double
    finally:
        await runner.cleanup()
    assert not double.strays, double.strays


def options(**fields: Any) -> str:
    """A provider's options, as they are stored."""
    return json.dumps({"copilot": {"repository": REPOSITORY, **fields}})
