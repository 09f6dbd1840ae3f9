"""Vectors over real HTTP: each scene on each wire has its category, and is booked as the vendor bills it."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from orchestrator.config import Config
from schemas.providers import ProviderOptions
from tests.conformance.embedders import EMBEDDERS, EMBEDDING_SCENES
from tests.conformance.scenes import Charge, Scene
from tests.conformance.wires import Spoken
from tests.integration.flow.invariants import check
from tests.integration.flow.world import World
from tests.integration.workers.simulated import Simulated
from workers.process import Process
from workers.run import run

TEXTS = ["A lease is a claim with an end.", "A hold is money put by.", "A lease is a claim with an end."]


@pytest.fixture
def process(world: World, settings: Config) -> Iterator[Process]:
    """A worker process on the queue of who is asked."""
    process = Process(settings, "worker@here", world.queues, 2)
    process.start()
    world.boot_id = process.boot_id
    yield process
    process.stop()


async def embedded(world: World, process: Process, *, dimensions: int | None = None, **more: Any) -> UUID:
    """A task that asks for vectors of three texts, worked on; its id."""
    context = {"inputs": TEXTS, **({"dimensions": dimensions} if dimensions else {})}
    model = await world.value("SELECT model FROM providers")
    options = ProviderOptions(embedding_model=model).model_dump_json(exclude_none=True)
    await world.rows("UPDATE providers SET options = CAST(:options AS jsonb)", options=options)
    wishes = {"providers": ["alpha"], "model": model, "max_attempts": 1, "cache": "off", **more}
    task_id = await world.submit(kind="embed", context=context, preferences=wishes)
    await asyncio.to_thread(run, process, task_id)
    return task_id


@pytest.mark.parametrize(
    ("spoken", "scene"),
    [
        pytest.param(line, scene, id=f"{line.name}-{scene.name}")
        for line in EMBEDDERS
        for scene in EMBEDDING_SCENES
    ],
    indirect=["spoken"],
)
async def test_a_scene_of_vectors_is_taken_for_what_it_is_and_paid_as_it_must_be(
    world: World, process: Process, simulator: Simulated, spoken: Spoken, scene: Scene
) -> None:
    if scene.rule:
        simulator.rules(dict(scene.rule))
    expected = scene.on(spoken.name)
    task_id = await embedded(world, process, **scene.preferences)
    booked = (await world.rows("SELECT * FROM calls"))[0]
    billed = simulator.entry(booked.id)["billed_nano_dollars"] or 0
    assert booked.category == expected.category
    assert booked.cost_nanos >= billed
    match expected.charge:
        case Charge.NOTHING:
            assert (booked.cost_nanos, booked.estimated) == (0, False)
        case Charge.HOLD:
            assert (booked.cost_nanos, booked.estimated) == (booked.hold_nanos, True)
        case Charge.USAGE:
            assert (booked.cost_nanos, booked.estimated) == (billed, False)
            assert (billed == 0) == spoken.free
    assert (await world.status(task_id) == "succeeded") == (expected.category is None)
    assert await world.ledger(task_id) == [("spend", booked.cost_nanos)]
    await check(world)


@pytest.mark.parametrize("spoken", EMBEDDERS, indirect=True, ids=lambda line: line.name)
@pytest.mark.parametrize("dimensions", [None, 64])
async def test_vectors_come_in_the_order_of_their_texts_as_long_as_asked_for(
    world: World, process: Process, simulator: Simulated, spoken: Spoken, dimensions: int | None
) -> None:
    task_id = await embedded(world, process, dimensions=dimensions)
    result = await world.value("SELECT result FROM task_results WHERE id = :id", id=task_id)
    first, second, third = result["vectors"]
    assert first == third != second
    assert result["dimensions"] == (
        dimensions or {"openai": 1536, "google": 3072, "ollama": 768}[spoken.vendor]
    )
    booked = (await world.rows("SELECT * FROM calls"))[0]
    entry = simulator.entry(booked.id)
    assert (entry["wire"], entry["prompt_tokens"]) == (spoken.journal, booked.input_tokens)
    assert (booked.cost_nanos, booked.output_tokens) == (entry["billed_nano_dollars"], 0)
