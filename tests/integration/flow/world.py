"""A small installation to take tasks through: a tenant, its providers, a worker's identity.

Everything goes through the flow's own steps; `rows` and `change` look at the tables and make time pass.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from uuid import UUID, uuid4

from orchestrator import clock
from orchestrator.config import Config
from orchestrator.flow.book import Outcome, book
from orchestrator.flow.claim import Lease, claim
from orchestrator.flow.configure import ProviderSetting, configure
from orchestrator.flow.enlist import Enlisted, enlist
from orchestrator.flow.intend import Intent, Refused, intend
from orchestrator.flow.settle import Ending, settle
from orchestrator.flow.submit import submit
from orchestrator.store.statements import Row, text
from orchestrator.wiring import Parts, open_parts
from schemas.calls import Cost, Purpose, Usage
from schemas.errors import Category, Failure
from schemas.providers import Vendor, Wire
from schemas.results import CodeResult, Verification, VerificationLevel
from schemas.tasks import TASK_REQUEST, TaskRequest, TaskStatus

T = TypeVar("T")
QUEUES = ("chores", "provider.anthropic", "provider.openai")
HOLD = 5_000_000
TABLES = (
    "feedback", "provider_health", "similar_questions", "experiments",
    "reckonings", "call_charges", "budget_alerts", "budget_windows", "budgets", "gates", "gate_transitions",
    "events", "ledger", "call_answers", "calls", "attempts", "task_results", "task_payloads", "tasks",
    "deliveries", "chores", "jobs", "idempotency_keys", "workers", "api_keys", "credentials",
    "provider_checks", "provider_templates", "providers", "tenants",
)  # fmt: skip


def request(**fields: Any) -> TaskRequest:
    """A request for a small function."""
    body = {"kind": "generate_code", "context": {"description": "Write a function that adds."}} | fields
    return TASK_REQUEST.validate_python(body)


def cost(nanos: int) -> Cost:
    """A price that is known."""
    return Cost(nanos=nanos, source="test", version="1")


def result() -> CodeResult:
    """A result as verification would give it."""
    level = Verification(level=VerificationLevel.SYNTAX)
    return CodeResult(diff="", files=[], explanation="done", verification=level)


def answered(text_: str = "an answer", nanos: int = 1_000_000) -> Outcome:
    """A complete answer."""
    usage = Usage(input_tokens=10, output_tokens=5)
    raw = {"prompt_tokens": 10, "completion_tokens": 5}
    return Outcome(text_, None, usage, raw, cost(nanos), "model-1", None, 200, "req-1", 0.1, 0.2)


def failed(category: Category = Category.SERVER_ERROR, *, nanos: int | None = 0, **fields: Any) -> Outcome:
    """A call that failed; `nanos` None charges the hold."""
    price = None if nanos is None else cost(nanos)
    failure = Failure(category=category, message="it failed", **fields)
    return Outcome(None, failure, None, None, price, None, None, 500, None, None, 0.2)


@dataclass
class World:
    """A tenant with providers, and a worker process that is known to the database."""

    parts: Parts
    tenant_id: UUID
    boot_id: UUID
    providers: tuple[str, ...]
    queues: tuple[str, ...] = QUEUES
    extra: dict[str, Any] = field(default_factory=dict)

    async def submit(self, **fields: Any) -> UUID:
        """A task of the tenant."""
        return (await submit(self.parts, self.tenant_id, request(**fields))).id

    async def claim(self, task_id: UUID, boot_id: UUID | None = None) -> Lease | None:
        """A claim by this world's worker, or another one."""
        return await claim(self.parts, boot_id or self.boot_id, self.queues, task_id)

    async def take(self, task_id: UUID) -> Lease:
        """A claim that must succeed."""
        lease = await self.claim(task_id)
        assert lease is not None
        return lease

    async def running(self, **fields: Any) -> Lease:
        """A new task, claimed."""
        return await self.take(await self.submit(**fields))

    async def intend(self, lease: Lease, purpose: Purpose = Purpose.FIRST, **fields: Any) -> Intent:
        """An intent under the lease."""
        given: dict[str, Any] = {"call_id": clock.new_id(), "hold_nanos": HOLD, "timeout": 60.0} | fields
        made = await self.try_to_intend(lease, purpose, **given)
        assert isinstance(made, Intent)
        return made

    async def try_to_intend(
        self, lease: Lease, purpose: Purpose = Purpose.FIRST, **fields: Any
    ) -> Intent | Refused:
        """An intent under the lease, or why a budget refused it."""
        given: dict[str, Any] = {"call_id": clock.new_id(), "hold_nanos": HOLD, "timeout": 60.0} | fields
        return await intend(self.parts, self.boot_id, lease, purpose, **given)

    async def book(self, lease: Lease, intent: Intent, outcome: Outcome) -> bool:
        """The outcome of a call."""
        return await book(self.parts, lease.task_id, lease.provider, intent, outcome)

    async def called(self, lease: Lease, outcome: Outcome | None = None, **fields: Any) -> Intent:
        """A call from intent to outcome."""
        intent = await self.intend(lease, **fields)
        assert await self.book(lease, intent, outcome or answered())
        return intent

    async def succeed(self, lease: Lease, intent: Intent | None) -> TaskStatus | None:
        """Settle with a result."""
        return await settle(self.parts, lease, Ending(intent.call_id if intent else None, result=result()))

    async def fail(
        self, lease: Lease, category: Category, call_id: UUID | None = None, **fields: Any
    ) -> TaskStatus | None:
        """Settle with a failure."""
        failure = Failure(category=category, message="it failed", **fields)
        return await settle(self.parts, lease, Ending(call_id, failure=failure))

    async def rows(self, query: str, **params: Any) -> Sequence[Row]:
        """What a query finds."""
        return await self.parts.db.run(text(query), **params)

    async def value(self, query: str, **params: Any) -> Any:
        """The one value a query finds."""
        return (await self.rows(query, **params))[0][0]

    async def task(self, task_id: UUID) -> Row:
        """The task's row."""
        return (await self.rows("SELECT * FROM tasks WHERE id = :id", id=task_id))[0]

    async def status(self, task_id: UUID) -> str:
        """The task's state."""
        return str((await self.task(task_id)).status)

    async def change(self, task_id: UUID, assignments: str) -> None:
        """Make time pass, or the like, for a task."""
        await self.rows(f"UPDATE tasks SET {assignments} WHERE id = :id", id=task_id)

    async def expire_lease(self, task_id: UUID) -> None:
        """The lease ran out a moment ago."""
        await self.rows(
            "UPDATE tasks SET lease_until = clock_timestamp() - interval '1 second'"
            " WHERE id = :id AND lease_until IS NOT NULL",
            id=task_id,
        )

    async def die(self, boot_id: UUID | None = None) -> None:
        """The worker process is surely dead, and its leases ran out."""
        boot = boot_id or self.boot_id
        await self.rows("UPDATE workers SET stopped_at = clock_timestamp() WHERE boot_id = :boot", boot=boot)
        await self.rows(
            "UPDATE tasks SET lease_until = clock_timestamp() - interval '1 second'"
            " WHERE boot_id = :boot AND status IN ('running', 'canceling')",
            boot=boot,
        )

    async def at_once(self, task_id: UUID, steps: Sequence[Awaitable[T]]) -> list[T]:
        """Have all steps stand before the task's lock together, then let them go."""
        async with self.parts.db.transaction() as connection:
            await connection.execute(text("SELECT 1 FROM tasks WHERE id = :id FOR UPDATE"), {"id": task_id})
            running = asyncio.gather(*steps)
            await eventually(lambda: self.waiting_for_locks(len(steps)))
        return list(await running)

    async def waiting_for_locks(self, count: int) -> bool:
        """Whether so many sessions stand before a lock."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return int(await self.value(query)) >= count

    async def events(self, task_id: UUID) -> list[str]:
        """The names of the task's events; their numbers must run from 1 without a gap."""
        rows = await self.rows("SELECT seq, name FROM events WHERE task_id = :id ORDER BY seq", id=task_id)
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        assert (await self.task(task_id)).event_seq == len(rows)
        return [row.name for row in rows]

    async def ledger(self, task_id: UUID) -> list[tuple[str, int]]:
        """The task's entries."""
        query = "SELECT kind, amount_nanos FROM ledger WHERE task_id = :id ORDER BY id"
        return [(row.kind, row.amount_nanos) for row in await self.rows(query, id=task_id)]

    async def call(self, call_id: UUID) -> Row:
        """The call's row."""
        return (await self.rows("SELECT * FROM calls WHERE id = :id", id=call_id))[0]

    async def enlist(self, **fields: Any) -> UUID:
        """Another worker process."""
        me = replace(Enlisted(uuid4(), f"w-{uuid4().hex[:6]}", "host-x", 1, self.queues, 4), **fields)
        await enlist(self.parts, me)
        return me.boot_id


async def empty(parts: Parts) -> None:
    """No rows left."""
    async with parts.db.transaction() as connection:
        await connection.execute(text("ALTER TABLE ledger DISABLE TRIGGER USER"))
        for table in TABLES:
            await connection.execute(text(f"DELETE FROM {table}"))
        await connection.execute(text("ALTER TABLE ledger ENABLE TRIGGER USER"))


async def make_world(
    parts: Parts,
    names: Sequence[str] = ("alpha", "beta"),
    base_url: str = "http://127.0.0.1:9",
    credential: str = "none",
) -> World:
    """A new tenant; its first provider stands on OpenAI's queue, the others on Anthropic's."""
    wanted = tuple(
        ProviderSetting(
            name=name,
            vendor=Vendor.OPENAI if index == 0 else Vendor.ANTHROPIC,
            wire=Wire.OPENAI_CHAT,
            base_url=base_url,
            model="gpt-4.1-mini",
            credential=credential,
            simulated=True,
        )
        for index, name in enumerate(names)
    )
    tenant = (await configure(parts, f"tenant-{uuid4().hex[:8]}", wanted)).tenant_id
    world = World(parts, tenant, uuid4(), tuple(names))
    world.boot_id = await world.enlist(name="me", pid=1)
    return world


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[Parts]:
    """Parts on the running loop."""
    async with open_parts(config, "test") as parts:
        yield parts


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
    """Return as soon as the condition holds; fails when it never does."""
    until = clock.monotonic() + seconds
    while not await condition():
        assert clock.monotonic() < until, "the condition never came to hold"
        await clock.sleep(0.02)


def as_data(value: Any) -> Any:
    """A JSON column as data."""
    return json.loads(value) if isinstance(value, str) else value
