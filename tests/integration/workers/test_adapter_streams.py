"""Answers of an own adapter while they come, as OpenAI's SDK hears them, and what the ledger says of them."""

import asyncio
from typing import Any

import openai
import pytest

from tests.integration.flow.invariants import check
from tests.integration.flow.world import World, eventually
from tests.integration.workers.simulated import Simulated
from tests.integration.workers.test_adapters import adapted, asked, call, outside
from tests.integration.workers.test_front import QUESTION, Front, address, front, quiet
from workers.process import Process

__all__ = ["address", "front", "outside", "quiet"]
NAME = "streaming-word"


async def heard_of(front: Front, heard: list[str], **fields: Any) -> None:
    stream = await front.sdk.chat.completions.create(model="alpha", messages=QUESTION, stream=True, **fields)
    async for chunk in stream:
        heard.append(chunk.choices[0].delta.content or "" if chunk.choices else "")


async def test_its_pieces_are_heard_as_they_come_and_booked_at_its_price(
    front: Front, simulator: Simulated
) -> None:
    simulator.rules({"chunk_ms": 60})
    await adapted(front.world, NAME)
    heard: list[str] = []
    await heard_of(front, heard)
    assert len([part for part in heard if part]) > 2
    made = await call(front.world)
    assert (made.status, made.price_source, made.estimated) == ("answered", "adapter", False)
    assert await front.booked() == [made.cost_nanos] == [(made.input_tokens + made.output_tokens) * 10_000]
    assert made.first_token_at < made.ended_at
    assert simulator.entry(made.id)["streamed"] is True
    await check(front.world)


async def test_one_that_breaks_off_ends_with_an_error_and_is_charged_at_its_hold(
    front: Front, simulator: Simulated
) -> None:
    simulator.rules({"fault": "disconnect", "chunk_ms": 100})
    await adapted(front.world, NAME)
    heard: list[str] = []
    with pytest.raises(openai.APIError) as raised:
        await heard_of(front, heard)
    assert "".join(heard)
    assert raised.value.code == "stream_interrupted"
    made = await call(front.world)
    assert (made.category, made.estimated) == ("truncated", True)
    assert await front.booked() == [made.hold_nanos]
    await check(front.world)


async def test_a_client_that_leaves_pays_the_hold(front: Front, simulator: Simulated) -> None:
    simulator.rules({"fault": "trickle", "chunk_ms": 100})
    await adapted(front.world, NAME)
    heard: list[str] = []
    listening = asyncio.create_task(heard_of(front, heard))

    async def began() -> bool:
        return bool("".join(heard))

    await eventually(began)
    listening.cancel()

    async def over() -> bool:
        return str((await front.last()).status) == "canceled"

    await eventually(over)
    made = await call(front.world)
    assert (made.category, await front.booked()) == ("canceled", [made.hold_nanos])
    await check(front.world)


@pytest.mark.parametrize(
    ("rule", "told", "category", "charge"),
    [
        ({"fault": "429", "retry_after": 3}, {}, "rate_limited", "nothing"),
        ({"fault": "stall", "after_chunks": 2}, {}, "idle_timeout", "hold"),
        ({"fault": "no_first_token"}, {}, "first_token_timeout", "hold"),
        ({"fault": "truncate"}, {}, "truncated", "hold"),
        ({"chunk_ms": 20}, {"broken": True}, "server_error", "hold"),
    ],
)
async def test_however_its_stream_fails_it_is_booked_and_told(
    world: World, process: Process, simulator: Simulated, rule: Any, told: Any, category: str, charge: str
) -> None:
    simulator.rules(rule)
    await adapted(world, NAME, **told)
    await asked(world, process)
    made = await call(world)
    assert (made.status, made.category) == ("failed", category)
    assert made.cost_nanos == (made.hold_nanos if charge == "hold" else 0)
    assert await world.ledger(made.task_id) == [("spend", made.cost_nanos)]
    await check(world)
