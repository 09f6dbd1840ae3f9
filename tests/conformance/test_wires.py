"""Every wire over real HTTP: each scene has its category, and what is booked covers the provider's bill."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from schemas.calls import Purpose
from schemas.errors import Category
from tests.conformance.scenes import NOT_YET, SCENES, Charge, Scene
from tests.conformance.wires import PLAYED, Spoken
from tests.integration.flow.world import World
from tests.integration.workers.simulated import Simulated
from workers.call import call
from workers.context import Message, render
from workers.process import Process


def long_prompt() -> tuple[Message, ...]:
    """A prompt that nobody has sent before, and that begins with enough for a cache to keep."""
    rules = f"You are the reviewer of project {uuid4()}, and these are its rules. " + "Keep it simple. " * 400
    return (Message("system", rules), Message("user", "Say which rule is the most important one."))


async def called(
    world: World, process: Process, messages: tuple[Message, ...] | None = None, **preferences: object
) -> UUID:
    """A call of a new task, with its prompt or another; its id."""
    lease = await world.running(preferences={"providers": ["alpha"], **preferences})
    messages = messages or render(lease.request)
    with process.holding(lease):
        await asyncio.to_thread(process.wait, call(process, lease, Purpose.FIRST, messages))
    return UUID(str(await world.value("SELECT id FROM calls WHERE task_id = :id", id=lease.task_id)))


def _played() -> Iterator[Any]:
    for line in PLAYED:
        for scene in SCENES:
            known = NOT_YET.get((line.name, scene.name))
            marks = [pytest.mark.xfail(reason=known, strict=True)] if known else []
            yield pytest.param(line.name, scene, id=f"{line.name}-{scene.name}", marks=marks)


@pytest.mark.parametrize(("spoken", "scene"), tuple(_played()), indirect=["spoken"])
async def test_a_scene_is_taken_for_what_it_is_and_paid_as_it_must_be(
    world: World, process: Process, simulator: Simulated, spoken: Spoken, scene: Scene
) -> None:
    if scene.rule:
        simulator.rules(dict(scene.rule))
    expected = scene.on(spoken.name)
    call_id = await called(world, process, **scene.preferences)
    booked = await world.call(call_id)
    billed = simulator.entry(call_id)["billed_nano_dollars"] or 0
    assert booked.status == ("failed" if expected.category else "answered")
    assert booked.category == expected.category
    assert booked.cost_nanos >= billed
    match expected.charge:
        case Charge.NOTHING:
            assert (booked.cost_nanos, booked.estimated) == (0, False)
        case Charge.HOLD:
            assert (booked.cost_nanos, booked.estimated) == (booked.hold_nanos, True)
        case Charge.USAGE:
            assert (booked.cost_nanos, booked.estimated) == (billed, False)
            assert billed <= booked.hold_nanos
            assert (billed == 0) == spoken.free
    answers = await world.value("SELECT count(*) FROM call_answers")
    assert answers == (0 if expected.category else 1)
    assert await world.ledger(booked.task_id) == [("spend", booked.cost_nanos)]


@pytest.mark.parametrize(
    ("spoken", "model"),
    [pytest.param(line.name, model, id=f"{line.name}-{model}") for line in PLAYED for model in line.models],
    indirect=["spoken"],
)
async def test_what_is_booked_is_the_providers_bill_to_the_nano_dollar(
    world: World, process: Process, simulator: Simulated, spoken: Spoken, model: str
) -> None:
    prompt = long_prompt()
    cached: list[int] = []
    for _ in range(2):
        call_id = await called(world, process, prompt, model=model)
        booked = await world.call(call_id)
        entry = simulator.entry(call_id)
        assert entry["wire"] == (spoken.journal or spoken.name)
        assert booked.cost_nanos == entry["billed_nano_dollars"]
        assert (booked.cost_nanos == 0) == spoken.free
        assert booked.served_model == entry["served_model"]
        assert booked.request_id == (entry["request_id"] if spoken.names_calls else None)
        assert booked.first_token_at is not None
        assert booked.input_tokens == entry["prompt_tokens"]
        assert booked.output_tokens == entry["completion_tokens"]
        assert booked.cached_tokens == entry["cached_tokens"]
        cached.append(booked.cached_tokens)
        assert booked.cache_write_tokens == entry["cache_write_tokens"]
        assert booked.reasoning_tokens == (entry["reasoning_tokens"] if spoken.reasons else 0)
    assert [count > 0 for count in cached] == [False, spoken.caches]


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
