"""Any order of steps, by any number of attempts, keeps every promise after each step."""

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any, TypeVar
from uuid import UUID, uuid4

from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from orchestrator.config import Config
from orchestrator.flow.adopt import adopt
from orchestrator.flow.cancel import cancel
from orchestrator.flow.claim import Lease
from orchestrator.flow.conclude import conclude
from orchestrator.flow.hand_over import Errand, hand_over
from orchestrator.flow.heartbeat import heartbeat
from orchestrator.flow.intend import Intent, LeaseLost, Refused
from orchestrator.flow.put_by import put_by
from orchestrator.flow.rescue import rescue
from orchestrator.flow.retry import retry
from orchestrator.flow.settle import Ending, settle
from orchestrator.flow.take_up import Job, JobStatus, take_up
from orchestrator.flow.wake import wake
from orchestrator.flow.write_off import write_off
from orchestrator.limits.budgets import add_budget
from orchestrator.store.statements import text
from schemas.budgets import BudgetRequest, OnBudget, Period, Scope
from schemas.calls import Purpose, dollars
from schemas.errors import (
    FOLLOWS,
    BudgetExhausted,
    Category,
    ChildTask,
    Failure,
    Follow,
    TaskFinished,
    TaskNotFinished,
)
from schemas.tasks import TERMINAL, TaskStatus
from tests.integration.flow import world as making
from tests.integration.flow.invariants import check
from tests.integration.flow.world import HOLD, World, answered, failed
from workers.call import refused

T = TypeVar("T")
CATEGORIES = st.sampled_from([each for each in Category if FOLLOWS[each] is not Follow.END])
ANY = st.integers(0, 10_000)
MOST_TASKS = 4
MOST_BUDGETS = 3


class Loop:
    """A loop in a thread of its own, because hypothesis calls rules without one."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What the coroutine returns."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=30)

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Way(RuleBasedStateMachine):
    """Tasks, the leases and intents that were ever given on them, and what was seen to have ended."""

    loop: Loop
    parts: Any

    def __init__(self) -> None:
        super().__init__()
        self.world: World = self.do(self._begin())
        self.tasks: list[UUID] = []
        self.leases: list[Lease] = []
        self.intents: list[tuple[Lease, Intent]] = []
        self.ended: dict[UUID, str] = {}
        self.budgets = 0
        self.jobs: list[tuple[Lease, Intent]] = []
        self.taken: list[Job] = []

    def do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run(coroutine)

    async def _begin(self) -> World:
        await making.empty(self.parts)
        return await making.make_world(self.parts)

    @precondition(lambda self: len(self.tasks) < MOST_TASKS)
    @rule(
        max_attempts=st.integers(1, 4),
        on_budget=st.sampled_from(OnBudget),
        consensus=st.sampled_from([None, None, 2]),
    )
    def submit(self, max_attempts: int, on_budget: OnBudget, consensus: int | None) -> None:
        preferences = {"max_attempts": max_attempts, "on_budget": on_budget, "consensus": consensus}
        try:
            made = self.do(self.world.submit(preferences=preferences))
            children = self.do(
                self.world.rows("SELECT id FROM tasks WHERE parent_id = :id ORDER BY id", id=made)
            )
            self.tasks += [made, *(row.id for row in children)]
        except BudgetExhausted:
            assert self.budgets
            assert on_budget is OnBudget.FAIL

    @precondition(lambda self: self.budgets < MOST_BUDGETS)
    @rule(holds=st.integers(1, 6), period=st.sampled_from(Period), hard=st.booleans())
    def budget(self, holds: int, period: Period, hard: bool) -> None:
        self.budgets += 1
        usd = dollars(holds * HOLD + self.budgets)
        asked = BudgetRequest(scope=Scope.TENANT, period=period, limit_usd=usd, hard=hard)
        found = self.do(
            self.world.rows("SELECT 1 FROM budgets WHERE period = :p AND hard = :h", p=period, h=hard)
        )
        if not found:
            self.do(add_budget(self.parts.db, self.world.tenant_id, asked))

    @rule()
    def midnight(self) -> None:
        """A day goes by: what has windows of a day finds them in the past."""
        self.do(self._shift(20_000))
        self.do(self._shift(-19_999))

    async def _shift(self, days: int) -> None:
        async with self.parts.db.transaction() as connection:
            for table in ("budget_windows", "call_charges", "budget_alerts"):
                await connection.execute(
                    text(
                        f"UPDATE {table} SET starts = starts - interval '{days} days' FROM budgets"
                        f" WHERE budgets.id = budget_id AND period = 'day'"
                    )
                )

    @precondition(lambda self: self.tasks)
    @rule(index=ANY)
    def claim(self, index: int) -> None:
        lease = self.do(self.world.claim(self._task(index)))
        if lease is not None:
            self.leases.append(lease)

    @precondition(lambda self: self.leases)
    @rule(index=ANY, repair=st.booleans())
    def intend(self, index: int, repair: bool) -> None:
        lease = self._lease(index)
        purpose = Purpose.REPAIR if repair and lease.paid else Purpose.FIRST
        rejected = lease.paid.call_id if repair and lease.paid else None
        try:
            intent = self.do(self.world.try_to_intend(lease, purpose, rejected_call=rejected))
        except LeaseLost:
            return
        if isinstance(intent, Refused):
            failure = refused(lease, intent.refusal)
            self.do(settle(self.parts, lease, Ending(None, failure=failure)))
        else:
            self.intents.append((lease, intent))

    @precondition(lambda self: self.leases)
    @rule(index=ANY)
    def adopt(self, index: int) -> None:
        lease = self.do(adopt(self.parts, self.world.boot_id, self._lease(index)))
        if lease is not None and lease.paid is not None:
            assert lease.paid.call_id is not None
            self.leases.append(lease)
            self.intents.append((lease, Intent(lease.paid.call_id, lease.paid.purpose, HOLD, 60.0)))

    @precondition(lambda self: self.intents)
    @rule(index=ANY)
    def hand_over(self, index: int) -> None:
        """The task waits for a job of its provider from now on; its worker may not know that it does."""
        lease, intent = self._intent(index)
        try:
            self.do(hand_over(self.parts, lease, Errand(intent.call_id, "a prompt", 3600.0)))
        except LeaseLost:
            return
        self.jobs.append((lease, intent))

    @precondition(lambda self: self.tasks)
    @rule(index=ANY)
    def begin_a_job(self, index: int) -> None:
        """A task goes all the way to its job, which single steps would seldom reach."""
        before = len(self.leases), len(self.intents)
        self.claim(index)
        if len(self.leases) > before[0]:
            self.intend(0, False)
        if len(self.intents) > before[1]:
            self.hand_over(0)

    @precondition(lambda self: self.jobs)
    @rule(index=ANY, dead=st.booleans())
    def take_up(self, index: int, dead: bool) -> None:
        """A job is looked at; the lease of whoever died looking at it runs out."""
        _, intent = self.jobs[index % len(self.jobs)]
        if dead:
            self.do(
                self.world.rows(
                    "UPDATE jobs SET lease_until = clock_timestamp() - interval '1 second'"
                    " WHERE id = :id AND lease_until IS NOT NULL",
                    id=intent.call_id,
                )
            )
        self.do(self.world.rows("UPDATE jobs SET run_at = clock_timestamp() WHERE finished_at IS NULL"))
        job = self.do(take_up(self.parts, intent.call_id, uuid4()))
        if job is not None:
            self.taken.append(job)

    @precondition(lambda self: self.taken)
    @rule(index=ANY, status=st.sampled_from([JobStatus.SENDING, JobStatus.SENT, JobStatus.CANCELING]))
    def put_by(self, index: int, status: JobStatus) -> None:
        job = self.taken[-1 - index % min(3, len(self.taken))]
        self.do(put_by(self.parts, job, status, delay=0.0))

    @precondition(lambda self: self.jobs)
    @rule(
        index=ANY,
        category=st.one_of(st.none(), CATEGORIES),
        nanos=st.one_of(st.none(), st.integers(0, 10**8)),
    )
    def end_a_job(self, index: int, category: Category | None, nanos: int | None) -> None:
        """A look at a job finds that it has ended; whoever looked before may be dead, or only slow."""
        self.take_up(index, dead=True)
        if not self.taken:
            return
        job = self.taken[-1 - index % min(3, len(self.taken))]
        lease, intent = next(each for each in self.jobs if each[1].call_id == job.id)
        outcome = answered(nanos=nanos or 0) if category is None else failed(category, nanos=nanos)
        self.do(self.world.book(lease, intent, outcome))
        failure = None if category is None else Failure(category=category, message="it failed")
        self.do(conclude(self.parts, job, failure))

    @rule(old=st.booleans())
    def write_off(self, old: bool) -> None:
        if old:
            self.do(self.world.rows("UPDATE calls SET ended_at = ended_at - interval '25 hours'"))
        self.do(write_off(self.parts))

    @precondition(lambda self: self.intents)
    @rule(index=ANY, ok=st.booleans(), nanos=st.one_of(st.none(), st.integers(0, 10**10)))
    def book(self, index: int, ok: bool, nanos: int | None) -> None:
        lease, intent = self._intent(index)
        outcome = answered(nanos=nanos or 0) if ok else failed(nanos=nanos)
        self.do(self.world.book(lease, intent, outcome))

    @precondition(lambda self: self.intents)
    @rule(index=ANY)
    def succeed(self, index: int) -> None:
        lease, intent = self._intent(index)
        call = self.do(self.world.call(intent.call_id))
        if call.status == "answered":
            self.do(self.world.succeed(lease, intent))

    @precondition(lambda self: self.leases)
    @rule(index=ANY, category=CATEGORIES, retry_after=st.one_of(st.none(), st.floats(0, 10**6)))
    def fail(self, index: int, category: Category, retry_after: float | None) -> None:
        self.do(self.world.fail(self._lease(index), category, retry_after=retry_after))

    @precondition(lambda self: self.tasks)
    @rule(index=ANY)
    def cancel(self, index: int) -> None:
        try:
            self.do(cancel(self.parts, self.world.tenant_id, self._task(index)))
        except TaskFinished:
            assert self._task(index) in self.ended

    @rule(bury=st.booleans())
    def crash(self, bury: bool) -> None:
        """The worker process dies; a new one starts, which buries it, or nobody notices yet."""
        if bury:
            self.do(self.world.die())
            self.world.boot_id = self.do(self.world.enlist())
        else:
            for task_id in self.tasks:
                self.do(self.world.expire_lease(task_id))

    @precondition(lambda self: self.leases)
    @rule()
    def beat(self) -> None:
        held = {lease.task_id: lease.token for lease in self.leases}
        self.do(heartbeat(self.parts, self.world.boot_id, held))

    @rule()
    def rescue(self) -> None:
        self.do(rescue(self.parts))

    @rule()
    def wake(self) -> None:
        self.do(
            self.world.rows(
                "UPDATE tasks SET run_at = clock_timestamp() WHERE NOT ready AND run_at <> 'infinity'"
            )
        )
        self.do(wake(self.parts, ghosts_older_than=0))

    @precondition(lambda self: self.tasks)
    @rule(index=ANY)
    def reach_the_deadline(self, index: int) -> None:
        late = "deadline = clock_timestamp() - interval '1 second'"
        self.do(self.world.change(self._task(index), late))

    @precondition(lambda self: self.tasks)
    @rule(index=ANY)
    def retry(self, index: int) -> None:
        task_id = self._task(index)
        try:
            made = self.do(retry(self.parts, self.world.tenant_id, task_id))
        except TaskNotFinished:
            assert task_id not in self.ended
        except ChildTask:
            query = "SELECT parent_id FROM tasks WHERE id = :id"
            assert self.do(self.world.value(query, id=task_id)) in self.tasks
        else:
            assert task_id in self.ended
            assert made.id != task_id

    @invariant()
    def promises_hold(self) -> None:
        self.do(check(self.world))

    @invariant()
    def what_ended_stays_as_it_ended(self) -> None:
        rows = self.do(self.world.rows("SELECT id, status FROM tasks"))
        now = {row.id: row.status for row in rows if TaskStatus(row.status) in TERMINAL}
        assert self.ended.items() <= now.items()
        self.ended = now

    def _task(self, index: int) -> UUID:
        return self.tasks[index % len(self.tasks)]

    def _lease(self, index: int) -> Lease:
        """Mostly the newest ones: they are the ones that still hold."""
        return self.leases[-1 - index % min(3, len(self.leases))]

    def _intent(self, index: int) -> tuple[Lease, Intent]:
        return self.intents[-1 - index % min(3, len(self.intents))]


@contextmanager
def machine(config: Config) -> Iterator[type[Way]]:
    """The machine with a loop and parts of its own."""
    loop = Loop()
    opening = AsyncExitStack()
    parts = loop.run(opening.enter_async_context(making.opened(config)))
    try:
        yield type("Way", (Way,), {"loop": loop, "parts": parts})
    finally:
        loop.run(opening.aclose())
        loop.close()


def test_every_order_of_steps_keeps_the_promises(settings: Config) -> None:
    examples, steps = os.environ.get("ORCHESTRATOR_TEST_MACHINE", "30x30").split("x")
    few = hypothesis_settings(
        derandomize=True,
        max_examples=int(examples),
        stateful_step_count=int(steps),
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    quick = settings.model_copy(update={"lease_seconds": 1.0, "database_pool": 2})
    with machine(quick) as way:
        run_state_machine_as_test(way, settings=few)
