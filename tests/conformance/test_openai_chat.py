"""OpenAI's chat wire over real HTTP: each scene has its category, and covers the provider's own bill."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from schemas.calls import Purpose
from schemas.errors import Category
from tests.conformance.scenes import SCENES, Charge, Scene
from tests.integration.flow.world import World
from tests.integration.workers.simulated import Simulated
from workers.call import call
from workers.context import render
from workers.process import Process


async def called(world: World, process: Process, **preferences: object) -> UUID:
    """A call of a new task; its id."""
    lease = await world.running(preferences={"providers": ["alpha"], **preferences})
    messages = render(lease.request)
    with process.holding(lease):
        await asyncio.to_thread(process.wait, call(process, lease, Purpose.FIRST, messages))
    return UUID(str(await world.value("SELECT id FROM calls WHERE task_id = :id", id=lease.task_id)))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_a_scene_is_taken_for_what_it_is_and_paid_as_it_must_be(
    world: World, process: Process, simulator: Simulated, scene: Scene
) -> None:
    if scene.rule:
        simulator.rules(dict(scene.rule))
    call_id = await called(world, process, **scene.preferences)
    booked = await world.call(call_id)
    billed = simulator.entry(call_id)["billed_nano_dollars"] or 0
    assert booked.status == ("failed" if scene.category else "answered")
    assert booked.category == scene.category
    assert booked.cost_nanos >= billed
    match scene.charge:
        case Charge.NOTHING:
            assert (booked.cost_nanos, booked.estimated) == (0, False)
        case Charge.HOLD:
            assert (booked.cost_nanos, booked.estimated) == (booked.hold_nanos, True)
        case Charge.USAGE:
            assert (booked.cost_nanos, booked.estimated) == (billed, False)
            assert 0 < billed <= booked.hold_nanos
    answers = await world.value("SELECT count(*) FROM call_answers")
    assert answers == (0 if scene.category else 1)
    assert await world.ledger(booked.task_id) == [("spend", booked.cost_nanos)]


@pytest.mark.parametrize("model", ["gpt-4.1-mini", "gpt-5-mini", "gpt-4o", "o4-mini"])
async def test_what_is_booked_is_the_providers_bill_to_the_nano_dollar(
    world: World, process: Process, simulator: Simulated, model: str
) -> None:
    first = await called(world, process, model=model)
    second = await called(world, process, model=model)
    for call_id in (first, second):
        booked = await world.call(call_id)
        entry = simulator.entry(call_id)
        assert booked.cost_nanos == entry["billed_nano_dollars"] > 0
        assert booked.served_model == entry["served_model"]
        assert booked.request_id == entry["request_id"]
        assert booked.first_token_at is not None


async def test_a_provider_that_is_not_there_costs_nothing(world: World, process: Process) -> None:
    await world.rows("UPDATE providers SET base_url = 'http://127.0.0.1:9'")
    booked = await world.call(await called(world, process))
    assert (booked.category, booked.cost_nanos, booked.estimated) == (Category.CONNECT_ERROR, 0, False)


async def test_a_credential_that_is_not_set_makes_no_call(world: World, process: Process) -> None:
    await world.rows("UPDATE providers SET credential = 'env:NO_SUCH_KEY_HERE'")
    lease = await world.running(preferences={"providers": ["alpha"]})
    made = await asyncio.to_thread(process.wait, call(process, lease, Purpose.FIRST, render(lease.request)))
    assert isinstance(made, tuple)
    assert made[0] is None
    assert made[1].category is Category.UNAUTHORIZED
    assert await world.value("SELECT count(*) FROM calls") == 0


async def test_a_hint_to_come_again_later_reaches_the_task(
    world: World, process: Process, simulator: Simulated
) -> None:
    simulator.rules({"fault": "429", "retry_after": 7})
    lease = await world.running(preferences={"providers": ["alpha"]})
    made = await asyncio.to_thread(process.wait, call(process, lease, Purpose.FIRST, render(lease.request)))
    assert isinstance(made, tuple)
    assert made[1].retry_after == 7.0


async def test_an_answer_without_end_is_cut_off(world: World, process: Process, simulator: Simulated) -> None:
    careful = process.config.model_copy(update={"max_answer_bytes": 1024})
    process.parts = replace(process.parts, config=careful)
    booked = await world.call(await called(world, process))
    assert (booked.category, booked.estimated) == (Category.MALFORMED, True)
    assert "larger than 1024 bytes" in booked.message
