"""A provider that is paid by the month, as a worker asks it."""

from tests.integration.flow.invariants import check
from tests.integration.flow.world import World
from tests.integration.workers.test_run import ONE, work
from workers.process import Process


async def test_a_call_of_a_provider_that_is_paid_by_the_month_holds_and_costs_nothing(
    world: World, process: Process
) -> None:
    await world.rows("""UPDATE providers SET options = '{"monthly_fee_usd": "20"}' WHERE name = 'alpha'""")
    task_id = await world.submit(**ONE)
    await work(process, task_id)
    assert await world.status(task_id) == "succeeded"
    call = (await world.rows("SELECT * FROM calls"))[0]
    assert (call.hold_nanos, call.cost_nanos, call.price_source) == (0, 0, "flat_plan")
    assert call.input_tokens > 0
    assert await world.ledger(task_id) == [("spend", 0)]
    await check(world)
