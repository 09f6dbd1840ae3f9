"""A tenant that visits the API, with a look behind the door: finish, fail and count its tasks."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx

from orchestrator import auth, clock
from orchestrator.flow.book import Outcome, book
from orchestrator.flow.claim import Lease, claim
from orchestrator.flow.configure import ProviderSetting, configure
from orchestrator.flow.intend import Intent, intend
from orchestrator.flow.settle import Ending, settle
from orchestrator.store.statements import text
from orchestrator.wiring import Parts
from schemas.api import TaskView
from schemas.calls import Cost, Purpose, Usage
from schemas.errors import Category, Failure
from schemas.providers import Vendor, Wire
from schemas.results import AnyResult, CodeResult, Verification, VerificationLevel

TASKS = "/api/v1/tasks"
BODY: dict[str, Any] = {"kind": "generate_code", "context": {"description": "Write a function that adds."}}
DIFF = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n"


def setting(name: str = "sim", *, simulated: bool = True) -> ProviderSetting:
    """A provider as `up` would configure it."""
    return ProviderSetting(
        name=name,
        vendor=Vendor.OPENAI,
        wire=Wire.OPENAI_CHAT,
        base_url="http://127.0.0.1:9/v1",
        model="gpt-5-mini",
        credential="env:THE_SECRET_NAME",
        simulated=simulated,
    )


@dataclass
class Visitor:
    """One tenant with a key, and a client that sends it."""

    parts: Parts
    http: httpx.AsyncClient
    tenant_id: UUID
    key: str

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """GET any path; without one, the list of tasks."""
        return await self.http.get(_full(path), headers=self._headers(headers))

    async def post(self, path: str = "", json: Any = None, **headers: str) -> httpx.Response:
        """POST JSON to any path; without one, submit."""
        return await self.http.post(_full(path), json=json, headers=self._headers(headers))

    async def post_raw(self, content: bytes, path: str = "", **headers: str) -> httpx.Response:
        """POST these very bytes."""
        sent = {"Content-Type": "application/json"} | self._headers(headers)
        return await self.http.post(_full(path), content=content, headers=sent)

    async def submit(self, **fields: Any) -> TaskView:
        """A new task."""
        response = await self.post(json=BODY | fields)
        assert response.status_code == 202, response.text
        return TaskView.model_validate_json(response.content)

    async def stored(self) -> int:
        """How many tasks of the tenant there are in the table; there are as many payloads."""
        query = text(
            "SELECT (SELECT count(*) FROM tasks WHERE tenant_id = :id) AS tasks,"
            " (SELECT count(*) FROM task_payloads WHERE tenant_id = :id) AS payloads"
        )
        found = (await self.parts.db.run(query, id=self.tenant_id))[0]
        assert found.tasks == found.payloads
        return int(found.tasks)

    async def change(self, statement: str, **params: Any) -> None:
        """Change the tables behind the API's back; `:tenant` is this tenant."""
        given = {"tenant": self.tenant_id} | params
        await self.parts.db.run(text(statement), **given)

    async def value(self, query: str, **params: Any) -> Any:
        """The one value a query finds; `:tenant` is this tenant."""
        return (await self.parts.db.run(text(query), **({"tenant": self.tenant_id} | params)))[0][0]

    async def start(self, task_id: UUID) -> Lease:
        """Claim a task as a worker would."""
        lease = await claim(self.parts, uuid4(), ("provider.openai",), task_id)
        assert lease is not None
        return lease

    async def succeed(self, task_id: UUID, result: AnyResult | None = None) -> None:
        """Take a task to its good end, with one booked call."""
        lease = await self.start(task_id)
        call_id = await self._call(lease)
        level = Verification(level=VerificationLevel.SYNTAX)
        result = result or CodeResult(diff="", files=[], explanation="done", verification=level)
        await settle(self.parts, lease, Ending(call_id, result=result))

    async def fail(self, task_id: UUID) -> None:
        """Take a task to a failure that no retry mends."""
        lease = await self.start(task_id)
        failure = Failure(category=Category.BAD_REQUEST, message="the provider refused it")
        await settle(self.parts, lease, Ending(None, failure=failure))

    async def intend(self, lease: Lease) -> Intent:
        """The committed intent of a call, held at half a cent."""
        made = await intend(
            self.parts,
            uuid4(),
            lease,
            Purpose.FIRST,
            call_id=clock.new_id(),
            hold_nanos=5_000_000,
            timeout=60,
        )
        assert isinstance(made, Intent)
        return made

    async def _call(self, lease: Lease) -> UUID:
        intent = await self.intend(lease)
        usage = Usage(input_tokens=100, cached_tokens=40, output_tokens=20, reasoning_tokens=5)
        cost = Cost(nanos=1_234_567, source="test", version="1")
        outcome = Outcome(
            "an answer", None, usage, {"prompt_tokens": 100}, cost, "model-1", None, 200, "req-1", 0.1, 0.2
        )
        assert await book(self.parts, lease.task_id, lease.provider, intent, outcome)
        return intent.call_id

    def _headers(self, given: dict[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in given.items()}
        return {"Authorization": f"Bearer {self.key}"} | named


async def until(condition: Callable[[], Awaitable[object]], seconds: float = 10) -> None:
    """Go on when the condition holds; fail after `seconds`."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await clock.sleep(0.005)


async def visitor(parts: Parts, http: httpx.AsyncClient, *, provider: str = "sim") -> Visitor:
    """A tenant of its own, with one provider and a key."""
    configured = await configure(parts, f"tenant-{uuid4().hex}", (setting(provider),))
    key = await auth.create_key(parts, configured.tenant_id, "test", tuple(auth.Scope))
    return Visitor(parts, http, configured.tenant_id, key)


def _full(path: str) -> str:
    return path if path.startswith("/") else f"{TASKS}{path}"
