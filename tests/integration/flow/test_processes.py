"""What worker processes tell the database: that they start, live, drain and stop, and what they hold."""

import os
from uuid import UUID, uuid4

import psutil

from orchestrator.flow.cancel import cancel
from orchestrator.flow.heartbeat import heartbeat
from orchestrator.flow.interrupted import interrupted
from orchestrator.flow.rescue import rescue
from orchestrator.flow.retire import retire
from schemas.errors import Category
from tests.integration.flow.world import World


async def test_a_heartbeat_extends_what_is_held_and_names_what_was_lost(world: World) -> None:
    kept, lost = await world.running(), await world.running()
    await world.change(kept.task_id, "lease_until = clock_timestamp() + interval '1 second'")
    await world.change(lost.task_id, f"lease_token = '{uuid4()}'")
    held = {kept.task_id: kept.token, lost.task_id: lost.token}
    assert await heartbeat(world.parts, world.boot_id, held) == [lost.task_id]
    left = await world.value(
        "SELECT extract(epoch FROM lease_until - clock_timestamp()) FROM tasks WHERE id = :id",
        id=kept.task_id,
    )
    assert float(left) > world.parts.config.lease_seconds - 5
    ended = await world.running()
    await world.fail(ended, Category.BAD_REQUEST)
    assert await heartbeat(world.parts, world.boot_id, {ended.task_id: ended.token}) == [ended.task_id]


async def test_a_heartbeat_without_leases_keeps_the_process_alive(world: World) -> None:
    await world.rows("UPDATE workers SET heartbeat_at = clock_timestamp() - interval '1 hour'")
    assert await heartbeat(world.parts, world.boot_id, {}) == []
    silent = await world.value("SELECT extract(epoch FROM clock_timestamp() - heartbeat_at) FROM workers")
    assert float(silent) < 5


async def test_a_process_that_was_buried_too_early_lives_again_with_its_heartbeat(world: World) -> None:
    await world.rows("UPDATE workers SET stopped_at = clock_timestamp()")
    await heartbeat(world.parts, world.boot_id, {})
    assert await world.value("SELECT stopped_at FROM workers") is None


def a_dead_pid() -> int:
    """A process id that nobody has."""
    return next(pid for pid in range(30_000, 4_000_000) if not psutil.pid_exists(pid))


async def is_buried(world: World, boot_id: UUID) -> bool:
    query = "SELECT stopped_at IS NOT NULL FROM workers WHERE boot_id = :boot"
    return bool(await world.value(query, boot=boot_id))


async def test_a_new_start_buries_only_predecessors_that_are_surely_dead(world: World) -> None:
    me = os.getpid()
    dead = await world.enlist(name="w", hostname="here", pid=a_dead_pid())
    alive = await world.enlist(name="w", hostname="here", pid=os.getppid())
    same_pid = await world.enlist(name="w", hostname="here", pid=me)
    elsewhere = await world.enlist(name="w", hostname="there", pid=me)
    other_name = await world.enlist(name="v", hostname="here", pid=me)
    new = await world.enlist(name="w", hostname="here", pid=me)
    assert await is_buried(world, dead)
    assert await is_buried(world, same_pid)
    for boot_id in (alive, elsewhere, other_name, new):
        assert not await is_buried(world, boot_id)


async def test_a_buried_predecessors_tasks_run_again_at_once(world: World) -> None:
    old = await world.enlist(name="w", hostname="here", pid=a_dead_pid())
    task_id = await world.submit()
    assert await world.claim(task_id, old) is not None
    await world.enlist(name="w", hostname="here", pid=os.getpid())
    assert await rescue(world.parts) == 1
    assert await world.claim(task_id) is not None


async def test_registering_twice_is_registering_once(world: World) -> None:
    boot = uuid4()
    await world.enlist(boot_id=boot)
    await world.enlist(boot_id=boot)
    assert await world.value("SELECT count(*) FROM workers WHERE boot_id = :boot", boot=boot) == 1


async def test_a_process_drains_before_it_stops(world: World) -> None:
    await retire(world.parts, world.boot_id, stopped=False)
    row = (await world.rows("SELECT draining_at, stopped_at FROM workers"))[0]
    assert row.draining_at is not None
    assert row.stopped_at is None
    await retire(world.parts, world.boot_id, stopped=True)
    assert await is_buried(world, world.boot_id)


async def test_a_process_learns_which_of_its_requests_to_close(world: World) -> None:
    untouched, asked, late, given_up = [await world.running() for _ in range(4)]
    await cancel(world.parts, world.tenant_id, asked.task_id)
    await world.change(late.task_id, "deadline = clock_timestamp() - interval '1 second'")
    await rescue(world.parts)
    await world.fail(given_up, Category.BAD_REQUEST)
    held = {lease.task_id: lease.token for lease in (untouched, asked, late, given_up)}
    found = dict(await interrupted(world.parts, held))
    assert found == {
        asked.task_id: Category.CANCELED,
        late.task_id: Category.DEADLINE,
        given_up.task_id: Category.CANCELED,
    }
