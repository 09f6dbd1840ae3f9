"""Hot queries read what they need and no more, whatever the backlog is: by index, in bounded numbers."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from orchestrator import clock
from orchestrator.store import (
    audit,
    budgets,
    calls,
    checks,
    chores,
    families,
    feedback,
    gates,
    health_checks,
    jobs,
    lanes,
    late,
    leases,
    partitions,
    providers,
    similar,
    tasks,
)
from orchestrator.store.statements import Statement, text
from orchestrator.store.views import history, listing, polls, routing
from orchestrator.store.views import tasks as reading
from orchestrator.store.views.budgets import ANY_HARD
from orchestrator.store.views.configured import CHECK, CONFIGURED
from orchestrator.store.views.experiments import OUTCOMES
from orchestrator.store.views.families import CHILDREN, JUDGEMENTS
from orchestrator.store.views.gates import GATES as GATES_OF_TENANT
from orchestrator.store.views.health import GATES as GAUGES_OF_GATES
from orchestrator.store.views.sessions import EARLIER
from orchestrator.store.views.similar import NEAREST
from orchestrator.store.views.usage import RECENT as RECENT_CALLS
from orchestrator.store.views.usage import USAGE
from orchestrator.store.views.warmable import NEWEST, WARMABLE
from orchestrator.wiring import Parts
from tests.integration.store.plans import explained

LANES = 1_000
BACKLOG = 100_000


def made(kind: int, number: int) -> UUID:
    """The id that the backlog's `pg_temp.id` makes."""
    base = partitions.lowest_id(partitions.month_after(clock.now(), 0)).int >> 80
    return UUID(f"{base + number:012x}7{kind:03x}8{number:015x}")


TENANT, PROVIDER, BOOT = made(1, 2), made(2, 2), made(4, 1)
QUEUED, RUNNING, ENDED, OPEN_CALL = made(3, 1), made(3, 100_001), made(3, 102_300), made(5, 1)
EVENT: dict[str, Any] = {"names": ["task.started"], "datas": ["{}"]}
NEW: dict[str, Any] = {
    "id": clock.new_id(), "tenant_id": TENANT, "kind": "fix_bug", "priority": "medium", "bonus": 0,
    "queue": "provider.openai", "provider_id": PROVIDER, "run_at": None, "deadline": None,
    "max_attempts": 4, "max_crashes": 3, "labels": [], "webhook_url": None, "user_id": None,
    "session_id": None, "api_key_id": None, "request": "{}", "candidates": "[]", "explanation": "{}",
    "retry_of": None, "key": "k", "body_hash": b"x",
}  # fmt: skip
FAMILY: dict[str, Any] = NEW | {
    "child_ids": [clock.new_id(), clock.new_id()], "child_queues": ["provider.openai"] * 2,
    "child_providers": [PROVIDER] * 2, "child_candidates": ["[]"] * 2, "child_request": "{}",
}  # fmt: skip
TO_QUEUED: dict[str, Any] = {
    "id": QUEUED, "from_status": "queued", "attempt": 0, "token": None, "unexpired": False,
    "status": "canceled", "reason": None, "queue": "provider.openai", "provider_id": PROVIDER,
    "candidate": 0, "failures": 0, "candidate_failures": 0, "crashes": 0, "delay": None, "asked_nanos": None,
    "quality": None, "served_tokens": None,
    "error": None,
    "outcome": "canceled", "result": None, "call_id": None, "verdict": None, "delivery_id": uuid4(),
    "chore_id": uuid4(), "max_deliveries": 12,
} | EVENT  # fmt: skip
OUTCOME: dict[str, Any] = {
    "id": OPEN_CALL, "task_id": RUNNING, "status": "answered", "served_model": "m", "served_tier": None,
    "cost_nanos": 5, "estimated": False, "price_source": "x", "price_version": "1", "usage": None,
    "input_tokens": 1, "cached_tokens": 0, "cache_write_tokens": 0, "output_tokens": 1,
    "reasoning_tokens": 0, "http_status": 200,
    "request_id": None, "category": None, "message": None, "first_token_after": 0.5, "answer": "x",
} | EVENT  # fmt: skip
INTENT: dict[str, Any] = {
    "id": clock.new_id(), "task_id": RUNNING, "attempt": 1, "token": uuid4(), "purpose": "first",
    "provider_id": PROVIDER, "provider": "p", "vendor": "openai", "model": "m", "hold_nanos": 5,
    "boot_id": BOOT, "timeout": 60.0, "entry": "e", "rejected_call": None,
} | EVENT  # fmt: skip
SPENDING: dict[str, Any] = {
    "tenant_id": TENANT, "user_id": "u-1", "api_key_id": None, "session_id": "s-1", "provider": "p",
    "at": clock.now(),
}  # fmt: skip
HOLDING: dict[str, Any] = {
    "budgets": [made(8, 2), made(8, 1002)], "starts": [datetime(1970, 1, 1, tzinfo=UTC)] * 2,
    "call_id": made(5, 900_001), "nanos": 5,
}  # fmt: skip
STUCK: dict[str, Any] = {
    "queue": "provider.openai", "provider_id": PROVIDER, "tenant_id": TENANT, "most": 100,
}  # fmt: skip
HELD = [made(3, 100_000 + number) for number in range(1, 101)]
PICKED = range(2, 52)
TAKES: dict[str, Any] = {
    "queues": ["provider.openai"] * 50,
    "providers": [made(2, number) for number in PICKED],
    "tenants": [made(1, number) for number in PICKED],
    "takes": [2] * 50,
}
LIKE = {"tenant_id": TENANT, "scope": "s"}
PAGE = {"tenant_id": TENANT, "most": 20}
CLAIM: dict[str, Any] = {
    "id": QUEUED, "token": uuid4(), "lease": 60.0, "boot_id": BOOT, "queues": ["provider.openai"],
}  # fmt: skip
KEPT: dict[str, Any] = {
    "id": made(5, 201), "token": uuid4(), "status": "running", "remote_id": "7", "sending": False,
    "message": None, "delay": 5.0,
}  # fmt: skip
STILL: dict[str, Any] = {"id": OPEN_CALL, "task_id": RUNNING, "attempt": 1, "token": uuid4()}
MEASURED: dict[str, Any] = {
    "providers": [made(2, number) for number in range(2, 12)], "models": ["m"] * 10,
    "from_id": UUID(int=0), "most": 50, "unforgiven": clock.now(),
}  # fmt: skip
"""Ten providers, one of them with thousands of calls."""

BEFORE_ALL: dict[str, Any] = {"queue": "", "provider_id": UUID(int=0), "tenant_id": UUID(int=0)}

ADOPT: dict[str, Any] = {
    "id": QUEUED, "token": uuid4(), "lease": 60.0, "boot_id": BOOT, "attempt": 1,
} | EVENT  # fmt: skip

LATELY = {"from_id": partitions.lowest_id(clock.now() + timedelta(days=1)), "seconds": 1.0}
RECENT: dict[str, dict[str, Any]] = {
    "ledger_is_the_calls": LATELY,
    "one_spend_a_closed_call": LATELY,
    "every_entry_has_a_call": LATELY,
    "spent_is_the_charges": LATELY | {"whole": False, "most": 20_000},
    "held_is_the_open_calls": {},
    "nothing_is_negative": {},
    "every_fee_is_booked": {},
}

HOT: list[tuple[str, Statement, dict[str, Any], int]] = [
    ("insert", tasks.INSERT, NEW, 10),
    ("insert a family", families.INSERT_FAMILY, FAMILY, 20),
    ("end a child", tasks.END_CHILD, TO_QUEUED | {"parent_id": ENDED}, 20),
    ("open children", families.OPEN_CHILDREN, {"parent_id": ENDED}, 20),
    ("parent of", families.LOCK_PARENT_OF, {"id": QUEUED, "tenant_id": TENANT}, 10),
    ("children", CHILDREN, {"parent_id": ENDED, "tenant_id": made(1, 301)}, 30),
    ("judgements", JUDGEMENTS, {"task_id": ENDED, "tenant_id": made(1, 301)}, 10),
    ("page of children", listing._statement(frozenset({"parent_id"}), frozenset()),
     PAGE | {"parent_id": ENDED}, 150),
    ("claim", tasks.CLAIM, CLAIM, 10),
    ("move", tasks.MOVE, TO_QUEUED, 10),
    ("standing", tasks.STANDING, {"id": QUEUED, "tenant_id": TENANT}, 10),
    ("supersede", tasks.SUPERSEDE, {"task_id": ENDED, "call_id": made(5, 300)} | EVENT, 20),
    ("feedback", feedback.GIVE,
     {"task_id": ENDED, "tenant_id": made(1, 301), "caller": "k", "rating": 5, "accepted": None,
      "comment": None} | EVENT, 20),
    ("wake", tasks.WAKE, {"most": 1_000}, 10),
    ("overdue", tasks.OVERDUE, {"most": 100}, 10),
    ("intend", calls.INTEND, INTENT, 10),
    ("book", calls.BOOK, OUTCOME, 20),
    ("close unknown", calls.CLOSE_UNKNOWN, {"tasks": HELD[:10]}, 500),
    ("close stale", calls.CLOSE_STALE, {"most": 100}, 20),
    ("make final", calls.MAKE_FINAL, {"hours": 24.0, "most": 500}, 20),
    ("late answer", late.LATE_ANSWER, {"id": ENDED, "attempt": 1}, 10),
    ("adopt", late.ADOPT, ADOPT, 20),
    ("supersede late", late.SUPERSEDE, {"id": ENDED, "call_id": made(5, 300)} | EVENT, 20),
    ("ended attempt", tasks.ENDED_ATTEMPT, {"id": ENDED, "attempt": 1}, 10),
    ("claimed", tasks.CLAIMED, {"id": RUNNING, "token": uuid4()}, 10),
    ("still intended", calls.STILL_INTENDED, STILL, 10),
    ("lanes", lanes.LANES, {"most": 5_000} | BEFORE_ALL, 3 * LANES),
    ("loads", lanes.LOADS, {}, 500),
    ("nudge", lanes.NUDGE, TAKES, 5 * (100 + 50)),
    ("forget nudges", lanes.FORGET_NUDGES, {"ids": [QUEUED]}, 300),
    ("forget ghosts", lanes.FORGET_GHOSTS, {"age": 15.0, "most": 1_000, "queues": ["provider.openai"]}, 10),
    ("nudged", lanes.NUDGED, {"age": 15.0}, 300),
    ("expired", leases.EXPIRED, {"lease": 60.0, "dead_after": 45.0, "most": 100}, 20),
    ("heartbeat", leases.HEARTBEAT,
     {"boot_id": BOOT, "ids": HELD, "tokens": [uuid4() for _ in HELD], "lease": 60.0}, 500),
    ("no longer running", leases.NO_LONGER_RUNNING,
     {"ids": HELD, "tokens": [uuid4() for _ in HELD]}, 500),
    ("bury", leases.BURY, {"boots": [made(4, 4)]}, 500),
    ("chores: nudge", chores.NUDGE, {"most": 100, "age": 15.0}, 200),
    ("chores: rescue", chores.RESCUE, {"most": 100}, 10),
    ("chores: claim", chores.CLAIM,
     {"id": made(7, 1), "kind": "delivery", "token": uuid4(), "lease": 60.0}, 10),
    ("jobs: nudge", jobs.NUDGE, {"most": 100, "age": 15.0}, 200),
    ("jobs: open", jobs.OPEN, {}, 60),
    ("jobs: wake", jobs.WAKE, {"tasks": [made(3, 102_201)]}, 10),
    ("jobs: take up", jobs.TAKE_UP, {"id": made(5, 201), "token": uuid4(), "lease": 300.0}, 20),
    ("jobs: keep", jobs.KEEP, KEPT, 20),
    ("jobs: forget", jobs.FORGET, {"most": 500}, 10),
    ("chores: delivery", chores.DELIVERY, {"id": made(6, 1)}, 10),
    ("polls", polls.POLLS, {"ids": HELD, "tenants": [TENANT] * len(HELD)}, 200),
    ("states", reading.STATES, {"ids": HELD, "tenants": [TENANT] * len(HELD)}, 200),
    ("task", reading.select_whole(reading._ONE, frozenset()), {"id": ENDED, "tenant_id": made(1, 301)}, 20),
    ("outcome", reading.OUTCOME, {"id": ENDED, "tenant_id": made(1, 301)}, 10),
    ("stored request", reading.STORED_REQUEST, {"id": ENDED, "tenant_id": made(1, 301)}, 10),
    ("stored route", reading.STORED_ROUTE, {"id": ENDED, "tenant_id": made(1, 301)}, 10),
    ("records of providers", routing.RECORDS, MEASURED, 10 * (50 + 5)),
    ("running by provider", routing.RUNNING, {}, 500),
    ("calls", history.CALLS, {"task_id": ENDED, "tenant_id": made(1, 301)}, 20),
    ("events", history.EVENTS, {"task_id": ENDED, "tenant_id": made(1, 301), "after": 0, "most": 100}, 10),
    ("page", listing._statement(frozenset(), frozenset()), PAGE, 150),
    ("page without children", listing._statement(frozenset({"without_children"}), frozenset()), PAGE, 150),
    ("page by status", listing._statement(frozenset({"statuses"}), frozenset()),
     PAGE | {"statuses": ["queued", "running"]}, 500),
    ("page before", listing._statement(frozenset({"before"}), frozenset()), PAGE | {"before": ENDED}, 150),
    ("intend unbudgeted", calls.INTEND_UNBUDGETED, INTENT, 20),
    ("levels", budgets.LEVELS, SPENDING, 30),
    ("exhausted", budgets.EXHAUSTED, {**SPENDING, "providers": ["p", "q"]}, 30),
    ("any hard budget", ANY_HARD, {"tenant_id": TENANT}, 20),
    ("gates of a tenant", GATES_OF_TENANT, {"tenant_id": TENANT}, 50),
    ("gauges of gates", GAUGES_OF_GATES, {}, 100),
    ("make windows", budgets.MAKE_WINDOWS, SPENDING, 30),
    ("lock windows", budgets.LOCK_WINDOWS, SPENDING, 30),
    ("hold", budgets.HOLD, HOLDING, 30),
    ("waiters", budgets.WAITERS, {"most": 100}, 500),
    ("gates: closed", gates.CLOSED, {}, 100),
    ("gates: stuck", gates.STUCK, STUCK, 500),
    ("gates: forget nudges", gates.FORGET_NUDGES, {"providers": [PROVIDER]}, 500),
    ("usage", USAGE,
     {"tenant_id": made(1, 8), "name": "p", "from_id": made(5, 1), "to_id": made(5, 100_000)}, 100),
    ("recent calls", RECENT_CALLS,
     {"tenant_id": made(1, 8), "name": "p", "from_id": made(5, 1), "most": 200}, 100),
    ("configured", CONFIGURED, {"tenant_id": TENANT}, 20),
    ("a check", CHECK, {"id": made(7, 1), "tenant_id": TENANT}, 10),
    ("sealed", providers.SEALED, {"provider_id": PROVIDER}, 10),
    ("check: target", checks.TARGET, {"id": made(7, 1)}, 10),
    ("check: forget", checks.FORGET, {"most": 500}, 10),
    ("account", gates.ACCOUNT, {"provider_id": PROVIDER, "credential": None}, 10),
    ("health check: plan", health_checks.PLAN, {"most": 100}, 3_000),
    ("health check: target", health_checks.TARGET, {"id": PROVIDER}, 10),
    ("outcomes of an experiment", OUTCOMES, {"id": str(uuid4()), "tenant_id": TENANT, "most": 100_000}, 20),
    ("earlier tasks of a session", EARLIER,
     {"tenant_id": TENANT, "task_id": QUEUED, "most": 20, "characters": 100}, 100),
    ("counts", listing.COUNTS, {"tenant_id": TENANT}, 200),
    ("waiting", listing.WAITING, {"tenant_id": TENANT}, 200),
    ("entries of a task", similar.ENTRIES, {"tenant_id": TENANT, "task_id": ENDED}, 50),
    ("a question's vector", similar.KEEP, {**LIKE, "entry": "e", "embedding": [1.0], "dead": ["f"],
     "seconds": 60, "most": 5_000}, 20),
    ("questions that ended", similar.FORGET, {"most": 500}, 20),
    ("nearest questions", NEAREST, {**LIKE, "vector": [1.0], "few": 5}, 20),
    ("newest successes", NEWEST,
     {"tenant_id": TENANT, "kind": None, "since": None, "until": None, "most": 100}, 500),
    ("warmable", WARMABLE, {"tenant_id": TENANT, "ids": [ENDED]}, 50),
]  # fmt: skip


@pytest.mark.parametrize("generic", [False, True], ids=["once", "prepared"])
@pytest.mark.parametrize(("statement", "params", "most"), [pytest.param(*row, id=name) for name, *row in HOT])
async def test_a_hot_query_reads_by_index_and_in_bounds(
    backlog: Parts, statement: Statement, params: dict[str, Any], most: int, generic: bool
) -> None:
    plan = explained(backlog.config.database_url or "", statement, params, generic=generic)
    assert not plan.whole_scans, plan
    assert plan.rows_read <= most, plan


async def test_the_backlog_is_what_the_bounds_were_set_for(backlog: Parts) -> None:
    (row,) = await backlog.db.run(
        text("SELECT count(*) AS tasks, count(DISTINCT tenant_id) AS tenants FROM tasks WHERE ready")
    )
    assert (row.tasks >= BACKLOG, row.tenants) == (True, LANES)


@pytest.mark.parametrize("name", audit.CHECKS)
async def test_a_check_of_what_changed_lately_reads_no_whole_past(backlog: Parts, name: str) -> None:
    plan = explained(backlog.config.database_url or "", audit.CHECKS[name], RECENT[name], generic=False)
    assert set(plan.whole_scans) <= {"budget_windows"}, plan
