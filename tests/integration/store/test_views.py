"""The plans of the views that are read often: by index, whatever the tables hold."""

import re
from uuid import uuid4

import pytest
import pytest_asyncio

from orchestrator import clock
from orchestrator.store.statements import Statement, text
from orchestrator.store.views import Filters, history, levels, listing, polls, tasks
from orchestrator.wiring import Parts

TENANT, TASK = uuid4(), clock.new_id()


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def filled(parts: Parts) -> None:
    """Enough rows that a plan which reads them all would show."""
    tenants = [uuid4() for _ in range(20)]
    ids = [clock.new_id() for _ in range(20_000)]
    given = {
        "ids": ids,
        "owners": [tenants[number % 20] for number in range(20_000)],
        "provider": uuid4(),
    }
    await parts.db.run(FILL_TASKS, **given)
    await parts.db.run(FILL_PAYLOADS)
    await parts.db.run(FILL_EVENTS)
    await parts.db.run(FILL_CALLS)
    await parts.db.run(text("ANALYZE"))


FILL_TASKS = text(
    """
    INSERT INTO tasks (id, tenant_id, kind, status, priority, queue, provider_id, run_at, rank, ready,
        deadline, max_attempts, max_crashes, created_at, queued_at, event_seq)
    SELECT given.id, given.owner, 'fix_bug', 'queued', 'medium', 'provider.openai', :provider, now(), now(),
        true, now() + interval '1 day', 4, 3, now(), now(), 1
    FROM unnest(CAST(:ids AS uuid[]), CAST(:owners AS uuid[])) AS given (id, owner)
    """
)
FILL_PAYLOADS = text("INSERT INTO task_payloads SELECT id, tenant_id, '{}', '[]' FROM tasks")
FILL_EVENTS = text("INSERT INTO events SELECT id, 1, tenant_id, 'task.queued', now(), '{}' FROM tasks")
FILL_CALLS = text(
    """
    INSERT INTO calls (id, task_id, tenant_id, attempt, purpose, provider_id, provider, vendor, model,
        status, hold_nanos, boot_id, started_at, timeout_at)
    SELECT id, id, tenant_id, 1, 'first', provider_id, 'x', 'openai', 'x', 'started', 0, provider_id,
        now(), now()
    FROM tasks
    """
)

ONE: dict[str, object] = {"id": TASK, "tenant_id": TENANT}
HISTORY: dict[str, object] = {"task_id": TASK, "tenant_id": TENANT}
HOT: dict[str, tuple[Statement, dict[str, object]]] = {
    "polls": (polls.POLLS, {"ids": [TASK] * 20, "tenants": [TENANT] * 20}),
    "a whole task": (tasks.select_whole(tasks._ONE, frozenset({"result", "request"})), ONE),
    "a result": (tasks.OUTCOME, ONE),
    "the poll behind all waits": (tasks.STATES, {"ids": [TASK], "tenants": [TENANT]}),
    "calls": (history.CALLS, HISTORY),
    "events": (history.EVENTS, HISTORY | {"after": 0, "most": 100}),
    "a page": (listing._statement(frozenset({"before"}), frozenset()), {"before": TASK, "most": 21} | ONE),
    "a page of a state": (
        listing._statement(frozenset({"statuses"}), frozenset()),
        {"statuses": ["failed"], "most": 21} | ONE,
    ),
}


@pytest.mark.parametrize("name", HOT)
async def test_a_hot_view_reads_by_index(parts: Parts, name: str) -> None:
    statement, params = HOT[name]
    rows = await parts.db.run(text(f"EXPLAIN {statement.text}"), **params)
    plan = "\n".join(row[0] for row in rows)
    scanned = [line for line in plan.splitlines() if "Seq Scan" in line and not small(line)]
    assert not scanned, plan


def small(line: str) -> bool:
    empty = re.search(r"cost=0\.00\.\.0\.0\d ", line) is not None
    return empty or any(f"on {table}" in line for table in ("providers", "tenants"))


async def test_counts_over_everything_agree_with_the_tables(parts: Parts) -> None:
    standing = await levels(parts.db, 45)
    assert standing.depth == {("provider.openai", "ready"): 20_000}
    assert standing.oldest_seconds["provider.openai"] > 0


async def test_a_page_of_a_tenant_without_tasks_is_empty(parts: Parts) -> None:
    assert await listing.page(parts.db, TENANT, Filters(), 20) == []
