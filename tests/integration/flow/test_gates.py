"""Gates: what one call meets, all processes respect, the dispatcher obeys, and the waiting task tells."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from redis.asyncio import Redis

from orchestrator.broker import Publisher
from orchestrator.config import Config
from orchestrator.flow.configure import ProviderSetting, configure
from orchestrator.flow.dispatch import Board, dispatch
from orchestrator.flow.divert import divert
from orchestrator.flow.shares import Lane
from orchestrator.limits import gates
from orchestrator.limits.gates import close_after, note_circuit
from orchestrator.store import views
from schemas.errors import Category, Failure
from schemas.events import EventName
from schemas.gates import GateKind
from schemas.providers import Vendor, Wire
from tests.integration.flow.test_dispatcher import dispatching
from tests.integration.flow.world import World, eventually

ONE = {"preferences": {"providers": ["alpha"]}}
BOTH = {"preferences": {"providers": ["alpha", "beta"]}}
BETA_FIRST = {"preferences": {"providers": ["beta", "alpha"], "strategy": "fixed"}}
LIMITED = Failure(category=Category.RATE_LIMITED, message="slow down", http_status=429, retry_after=30)
REFUSED = Failure(category=Category.UNAUTHORIZED, message="who are you", http_status=401)
USED_UP = Failure(category=Category.QUOTA_EXHAUSTED, message="no credit left", http_status=429)


@pytest.fixture
async def apart(world: World) -> World:
    """The same world, with an account of its own for each provider."""
    await world.rows("UPDATE providers SET credential = 'env:KEY_OF_' || name")
    views.forget_providers(world.tenant_id)
    return world


async def provider(world: World, name: str = "alpha") -> UUID:
    query = "SELECT id FROM providers WHERE tenant_id = :tenant AND name = :name"
    return UUID(str(await world.value(query, tenant=world.tenant_id, name=name)))


async def open_circuit(world: World, seconds: float = 60, name: str = "alpha", state: str = "open") -> None:
    note = note_circuit(
        world.parts.db,
        await provider(world, name),
        "gpt-4.1-mini",
        state=state,
        seconds=seconds,
        reason="5 of 5 calls failed",
    )
    await note


async def pass_time(world: World, seconds: float) -> None:
    await world.rows(f"UPDATE gates SET closed_until = closed_until - interval '{seconds} seconds'")


async def transitions(world: World) -> list[tuple[str, str]]:
    rows = await world.rows("SELECT kind, state FROM gate_transitions ORDER BY id")
    return [(row.kind, row.state) for row in rows]


async def nudge(world: World, board: Board) -> int:
    """One round of the dispatcher's, without a look at the clock."""
    board.forget()
    return await dispatch(world.parts, board)


@pytest.fixture
async def broker(world: World) -> AsyncIterator[Redis]:
    client = Redis.from_url(world.parts.config.broker_url or "", decode_responses=True)
    await client.flushall()
    yield client
    await client.flushall()
    await client.aclose()


@pytest.fixture
def board(settings: Config, world: World) -> Board:
    return Board(Publisher(settings.broker_url or ""))


async def test_a_rate_limit_stops_claims_of_every_process_and_every_provider_of_the_account(
    world: World,
) -> None:
    await close_after(world.parts.db, await provider(world, "beta"), LIMITED)
    elsewhere = await world.claim(await world.submit(**ONE), await world.enlist())
    assert elsewhere is not None
    assert elsewhere.closed is not None
    assert elsewhere.closed.category is Category.RATE_LIMITED
    assert 25 < (elsewhere.closed.retry_after or 0) <= 33
    assert await transitions(world) == [("cool_down", "open")]


async def test_another_account_goes_on(apart: World) -> None:
    await close_after(apart.parts.db, await provider(apart, "beta"), LIMITED)
    assert (await apart.running(**ONE)).closed is None


async def test_a_cool_down_ends_by_itself(world: World) -> None:
    await close_after(world.parts.db, await provider(world), LIMITED)
    await pass_time(world, 60)
    assert (await world.running(**ONE)).closed is None


async def test_the_longest_cool_down_counts(world: World) -> None:
    alpha = await provider(world)
    await close_after(world.parts.db, alpha, LIMITED)
    await close_after(world.parts.db, alpha, LIMITED.model_copy(update={"retry_after": 1.0}))
    gate = (await gates.closed(world.parts.db))[alpha]
    assert gate.seconds_left > 25
    assert await transitions(world) == [("cool_down", "open")]


async def test_a_hint_beyond_the_deadline_fails_over_at_once(apart: World) -> None:
    lease = await apart.running(**BOTH)
    hint = lease.standing.seconds_left + 60
    status = await apart.fail(lease, Category.RATE_LIMITED, retry_after=hint)
    task = await apart.task(lease.task_id)
    assert (status, task.ready, task.provider_id) == ("queued", True, await provider(apart, "beta"))
    assert (task.failures, task.status_reason) == (0, "waiting_for_worker")


async def test_a_quota_that_is_used_up_goes_to_the_next_provider_and_is_asked_again_after_its_time(
    apart: World,
) -> None:
    closed = await close_after(apart.parts.db, await provider(apart), USED_UP)
    assert closed is not None
    assert (closed.kind, closed.reason) == (GateKind.CREDENTIAL, "quota_exhausted")
    lease = await apart.running(**BOTH)
    assert lease.closed is not None
    assert lease.closed.category is Category.QUOTA_EXHAUSTED
    assert await apart.fail(lease, lease.closed.category) == "queued"
    assert (await apart.task(lease.task_id)).provider_id == await provider(apart, "beta")
    await pass_time(apart, gates.QUOTA_SECONDS)
    assert (await apart.running(**ONE)).closed is None


async def test_a_refused_key_stays_closed_until_it_is_changed(world: World) -> None:
    await close_after(world.parts.db, await provider(world), REFUSED)
    await pass_time(world, 366 * 86_400)
    assert (await world.running(**ONE)).closed is not None
    setting = ProviderSetting(
        name="alpha",
        vendor=Vendor.OPENAI,
        wire=Wire.OPENAI_CHAT,
        base_url="http://127.0.0.1:9",
        model="gpt-4.1-mini",
        credential="env:A_BETTER_KEY",
        simulated=True,
    )
    name = await world.value("SELECT name FROM tenants WHERE id = :id", id=world.tenant_id)
    await configure(world.parts, str(name), (setting,))
    assert (await world.running(**ONE)).closed is None


async def test_our_own_missing_key_closes_no_gate_of_others(world: World) -> None:
    missing = Failure(category=Category.UNAUTHORIZED, message="the variable is not set here")
    assert await close_after(world.parts.db, await provider(world), missing) is None
    assert await world.value("SELECT count(*) FROM gates") == 0


async def test_the_moves_of_a_circuit_are_kept_once_each(world: World) -> None:
    await open_circuit(world)
    await open_circuit(world, 0, state="half_open")
    await open_circuit(world, 0, state="closed")
    await open_circuit(world, 0, state="closed")
    assert await transitions(world) == [("circuit", "open"), ("circuit", "half_open"), ("circuit", "closed")]
    assert await gates.closed(world.parts.db) == {}


async def test_nothing_is_nudged_before_a_closed_gate(world: World, board: Board, broker: Redis) -> None:
    await open_circuit(world)
    task_id = await world.submit(**ONE)
    assert await nudge(world, board) == 0
    assert (await world.task(task_id)).nudged_at is None


async def test_what_was_nudged_is_taken_back_when_the_gate_closes(
    world: World, board: Board, broker: Redis
) -> None:
    task_id = await world.submit(**ONE)
    assert await nudge(world, board) == 1
    await open_circuit(world)
    await gates.forget_nudges(world.parts.db, [await provider(world)])
    assert (await world.task(task_id)).nudged_at is None
    assert await nudge(world, board) == 0


async def test_a_running_dispatcher_takes_back_diverts_and_feeds_again(apart: World, broker: Redis) -> None:
    only, both = await apart.submit(**ONE), await apart.submit(**BOTH)

    async def nudged(task_id: UUID) -> bool:
        return (await apart.task(task_id)).nudged_at is not None

    async def taken_back() -> bool:
        return not await nudged(only)

    async def diverted() -> bool:
        return (await apart.task(both)).queue == "provider.anthropic" and await nudged(both)

    async with dispatching(apart.parts):
        await eventually(lambda: nudged(only))
        await open_circuit(apart)
        await eventually(taken_back)
        await eventually(diverted)
        assert not await nudged(only)
        await open_circuit(apart, 0, state="closed")
        await eventually(lambda: nudged(only))


async def test_a_circuit_whose_time_is_over_lets_one_task_through(
    world: World, board: Board, broker: Redis
) -> None:
    await open_circuit(world)
    ids = [await world.submit(**ONE) for _ in range(3)]
    await pass_time(world, 61)
    assert [await nudge(world, board) for _ in range(3)] == [1, 0, 0]
    (probe,) = [task_id for task_id in ids if (await world.task(task_id)).nudged_at is not None]
    await world.take(probe)
    assert await nudge(world, board) == 0
    await open_circuit(world, 0, state="closed")
    assert await nudge(world, board) == 2


async def test_a_probe_does_not_wait_for_calls_from_before_the_outage(
    world: World, board: Board, broker: Redis
) -> None:
    for _ in range(2):
        await world.running(**ONE)
    await open_circuit(world)
    for _ in range(3):
        await world.submit(**ONE)
    await pass_time(world, 61)
    assert [await nudge(world, board) for _ in range(2)] == [1, 0]


async def test_tasks_before_a_closed_gate_go_to_the_first_open_one_and_back(
    apart: World, board: Board
) -> None:
    task_id = await apart.submit(**BOTH)
    alpha, beta = await provider(apart), await provider(apart, "beta")
    lanes = [
        Lane("provider.openai", alpha, apart.tenant_id),
        Lane("provider.anthropic", beta, apart.tenant_id),
    ]
    await open_circuit(apart)
    words = await divert(apart.parts, lanes, await gates.closed(apart.parts.db))
    task = await apart.task(task_id)
    assert (task.provider_id, task.queue, task.failures, task.attempt) == (beta, "provider.anthropic", 0, 0)
    assert words == {f"provider.anthropic {beta} {apart.tenant_id}"}
    assert (await apart.events(task_id))[-1] == EventName.FAILED_OVER
    await open_circuit(apart, 0, state="closed")
    await open_circuit(apart, name="beta")
    await divert(apart.parts, lanes, await gates.closed(apart.parts.db))
    assert (await apart.task(task_id)).provider_id == alpha


async def test_a_circuit_whose_time_is_over_is_tried_by_a_task_that_would_go_elsewhere(
    apart: World, board: Board, broker: Redis
) -> None:
    await open_circuit(apart)
    await pass_time(apart, 61)
    alpha = await provider(apart)
    await apart.submit(**BETA_FIRST)
    await nudge(apart, board)
    assert board.unprobed == {alpha}
    later = [await apart.submit(**BETA_FIRST) for _ in range(3)]
    lane = Lane("provider.anthropic", await provider(apart, "beta"), apart.tenant_id)
    words = await divert(apart.parts, [lane], board.closed, board.unprobed or set())
    assert words == {f"provider.openai {alpha} {apart.tenant_id}"}
    assert [(await apart.task(task_id)).provider_id == alpha for task_id in later] == [True, False, False]
    assert (await apart.events(later[0]))[-1] == EventName.FAILED_OVER
    await nudge(apart, board)
    assert (await apart.task(later[0])).nudged_at is not None
    assert board.unprobed == set()


async def test_a_running_dispatcher_has_a_recovered_provider_tried_once(apart: World, broker: Redis) -> None:
    await open_circuit(apart)
    await pass_time(apart, 61)
    alpha = await provider(apart)

    async def tried() -> int:
        found = "SELECT count(*) FROM tasks WHERE provider_id = :alpha"
        return int(await apart.value(found, alpha=alpha))

    async def tried_by_one_more() -> bool:
        await apart.submit(**BETA_FIRST)
        return await tried() > 0

    async with dispatching(apart.parts):
        await eventually(tried_by_one_more)
        for _ in range(5):
            await apart.submit(**BETA_FIRST)
    assert await tried() == 1


@pytest.mark.parametrize("wishes", [ONE, {"preferences": {"providers": ["beta"]}}])
async def test_a_task_that_may_not_run_there_tries_no_circuit(
    apart: World, wishes: dict[str, object]
) -> None:
    await apart.submit(**wishes)
    lane = Lane("provider.anthropic", await provider(apart, "beta"), apart.tenant_id)
    assert await divert(apart.parts, [lane], {}, {await provider(apart)}) == set()


async def test_where_every_gate_is_closed_the_tasks_stay_where_they_are(apart: World) -> None:
    task_id = await apart.submit(**BOTH)
    await open_circuit(apart)
    await open_circuit(apart, name="beta")
    lane = Lane("provider.openai", await provider(apart), apart.tenant_id)
    assert await divert(apart.parts, [lane], await gates.closed(apart.parts.db)) == set()
    assert (await apart.events(task_id)) == ["task.queued"]


async def test_a_short_cool_down_is_waited_for(apart: World) -> None:
    task_id = await apart.submit(**BOTH)
    short = LIMITED.model_copy(update={"retry_after": 2.0})
    await close_after(apart.parts.db, await provider(apart), short)
    lane = Lane("provider.openai", await provider(apart), apart.tenant_id)
    assert await divert(apart.parts, [lane], await gates.closed(apart.parts.db)) == set()
    assert (await apart.task(task_id)).provider_id == lane.provider


@pytest.mark.parametrize(
    ("failure", "reason", "known"),
    [
        (None, "circuit_open", True),
        (LIMITED, "rate_limited", True),
        (USED_UP, "rate_limited", True),
        (REFUSED, "queue_paused", False),
    ],
)
async def test_a_task_before_a_closed_gate_tells_why_it_waits_and_until_when(
    world: World, failure: Failure | None, reason: str, known: bool
) -> None:
    task_id = await world.submit(**ONE)
    if failure is None:
        await open_circuit(world)
    else:
        await close_after(world.parts.db, await provider(world), failure)
    state = await views.state(world.parts.db, world.tenant_id, task_id)
    whole = await views.task(world.parts.db, world.tenant_id, task_id)
    assert state is not None
    assert whole is not None
    until = await world.value("SELECT closed_until FROM gates")
    for seen in (state, whole):
        assert seen.status_reason == reason
        assert seen.next_attempt_at == (until if known else None)
    await world.rows("UPDATE gates SET state = 'closed', closed_until = clock_timestamp()")
    after = await views.state(world.parts.db, world.tenant_id, task_id)
    assert after is not None
    assert (after.status_reason, after.next_attempt_at) == ("waiting_for_worker", None)


async def test_a_task_that_runs_tells_of_no_gate(world: World) -> None:
    lease = await world.running(**ONE)
    await open_circuit(world)
    state = await views.state(world.parts.db, world.tenant_id, lease.task_id)
    assert state is not None
    assert (state.status_reason, state.next_attempt_at) == (None, None)


async def test_only_a_failed_call_here_makes_the_next_one_a_retry(apart: World) -> None:
    lease = await apart.running(**BOTH)
    assert not lease.is_retry
    await apart.called(lease)
    await apart.fail(lease, Category.RATE_LIMITED, retry_after=0.0)
    await apart.change(lease.task_id, "run_at = clock_timestamp(), ready = true")
    again = await apart.take(lease.task_id)
    assert not again.is_retry
    await apart.fail(again, Category.SERVER_ERROR)
    await apart.change(lease.task_id, "run_at = clock_timestamp(), ready = true")
    retried = await apart.take(lease.task_id)
    assert retried.is_retry
    await apart.fail(retried, Category.SERVER_ERROR)
    await apart.change(lease.task_id, "run_at = clock_timestamp(), ready = true")
    elsewhere = await apart.take(lease.task_id)
    assert (elsewhere.provider.name, elsewhere.is_retry) == ("beta", False)


async def test_a_claim_knows_that_others_hold_the_circuit_for_open(world: World) -> None:
    assert not (await world.running(**ONE)).circuit_noted
    await open_circuit(world)
    assert (await world.running(**ONE)).circuit_noted


async def test_a_refused_credential_stays_the_reason_when_a_quota_is_found_used_up_too(apart: World) -> None:
    alpha = await provider(apart)
    for failure in (USED_UP, REFUSED, USED_UP):
        await close_after(apart.parts.db, alpha, failure)
    (gate,) = await apart.rows(
        "SELECT reason, closed_until > now() + interval '1 year' AS for_good FROM gates"
    )
    assert (gate.reason, gate.for_good) == ("misconfigured", True)
