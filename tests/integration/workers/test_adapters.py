"""An adapter from outside of the package: the same queue, deadline, ledger and verification as every wire."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.adapters import installed, load
from orchestrator.limits.endpoints import refuse_unfit
from schemas.errors import InvalidRequest
from schemas.providers import ProviderOptions, Vendor, Wire
from tests.integration.flow.invariants import check
from tests.integration.flow.world import World
from tests.integration.workers.simulated import Simulated
from workers.probe import probe
from workers.process import Process
from workers.run import run

OUTSIDE = Path(__file__).parent / "outside"
SCHEMA = {
    "type": "object",
    "properties": {"words": {"type": "integer"}},
    "required": ["words"],
    "additionalProperties": False,
}


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A distribution that is installed, as far as Python can see."""
    monkeypatch.syspath_prepend(str(OUTSIDE))
    yield
    load.cache_clear()


async def adapted(world: World, name: str = "word", **settings: Any) -> None:
    """Every provider is asked by the adapter."""
    options = json.dumps({"adapter": name, "adapter_settings": settings, "structured_output": True})
    await world.rows(
        "UPDATE providers SET vendor = 'openai', wire = 'adapter', options = CAST(:options AS jsonb)",
        options=options,
    )


async def asked(world: World, process: Process, *, timeout_seconds: int | None = None, **context: Any) -> Any:
    """A chat that was worked on; its task."""
    wishes: dict[str, Any] = {"providers": ["alpha"], "max_attempts": 1, "max_tokens": 300}
    task_id = await world.submit(
        kind="chat",
        context={"prompt": "How many words?", **context},
        preferences=wishes | ({"timeout_seconds": timeout_seconds} if timeout_seconds else {}),
    )
    await asyncio.to_thread(run, process, task_id)
    return (await world.rows("SELECT * FROM tasks WHERE id = :id", id=task_id))[0]


async def call(world: World) -> Any:
    return (await world.rows("SELECT * FROM calls"))[0]


async def test_its_answer_is_verified_and_booked_at_its_own_price(
    world: World, process: Process, simulator: Simulated
) -> None:
    await adapted(world)
    task = await asked(world, process, answer_schema=SCHEMA, stream=True)
    assert task.status == "succeeded"
    made = await call(world)
    assert (made.status, made.price_source, made.estimated) == ("answered", "adapter", False)
    assert made.cost_nanos == (made.input_tokens + made.output_tokens) * 10_000 <= made.hold_nanos
    assert simulator.entry(made.id)["streamed"] is False
    await check(world)


@pytest.mark.parametrize(
    ("rule", "told", "category", "charge"),
    [
        ({"fault": "429", "retry_after": 3}, {}, "rate_limited", "nothing"),
        ({"fault": "400"}, {}, "bad_request", "nothing"),
        ({"fault": "disconnect"}, {}, "truncated", "hold"),
        ({"fault": "malformed"}, {}, "malformed", "hold"),
        ({}, {"broken": True}, "malformed", "nothing"),
        ({}, {"impatient": True}, "idle_timeout", "hold"),
        ({}, {"path": "//elsewhere.example/"}, "malformed", "hold"),
    ],
)
async def test_however_it_fails_the_call_is_booked(
    world: World,
    process: Process,
    simulator: Simulated,
    rule: dict[str, Any],
    told: dict[str, Any],
    category: str,
    charge: str,
) -> None:
    if rule:
        simulator.rules(rule)
    await adapted(world, **told)
    await asked(world, process)
    made = await call(world)
    assert (made.status, made.category) == ("failed", category)
    assert made.cost_nanos == (made.hold_nanos if charge == "hold" else 0)
    assert await world.ledger(made.task_id) == [("spend", made.cost_nanos)]


@pytest.mark.parametrize("ending", ["answers", "hangs", "fails"])
async def test_what_it_asked_by_a_client_of_its_own_may_be_paid_and_is_charged_at_its_hold(
    world: World, process: Process, simulator: Simulated, ending: str
) -> None:
    await adapted(world, own_client=ending)
    await asked(world, process, timeout_seconds=1)
    made = await call(world)
    assert made.status == ("answered" if ending == "answers" else "failed")
    assert (made.cost_nanos, made.estimated) == (made.hold_nanos, True)
    assert made.hold_nanos > 0


@pytest.mark.parametrize("hint", [1e300, -1e300, -1])
async def test_a_hint_that_is_no_time_to_wait_is_none(
    world: World, process: Process, simulator: Simulated, hint: float
) -> None:
    simulator.rules({"fault": "429", "retry_after": 3})
    await adapted(world, hint=hint)
    task = await asked(world, process)
    assert (task.status, task.status_reason) == ("queued", "rate_limited")
    (gate,) = await world.rows("SELECT *, closed_until < now() + interval '1 minute' AS soon FROM gates")
    assert (gate.kind, gate.soon) == ("cool_down", True)


async def test_it_is_held_to_the_calls_own_time(world: World, process: Process, simulator: Simulated) -> None:
    simulator.rules({"latency_ms": 5000})
    await adapted(world)
    task_id = await world.submit(
        kind="chat",
        context={"prompt": "x"},
        preferences={"providers": ["alpha"], "timeout_seconds": 1, "max_attempts": 1},
    )
    await asyncio.to_thread(run, process, task_id)
    made = await call(world)
    assert (made.category, made.cost_nanos) == ("total_timeout", made.hold_nanos)


async def test_a_check_asks_the_adapter(world: World, process: Process) -> None:
    await adapted(world)
    lease = await world.running(kind="chat", context={"prompt": "x"}, preferences={"providers": ["alpha"]})
    found = await asyncio.to_thread(process.wait, probe(process.parts, lease.provider, "sk-anything"))
    assert (found.ok, found.credential, found.model_listed) == (True, "accepted", True)
    assert found.vendor_usage == {"requests": 1}
    gone = lease.provider.model_copy(update={"options": ProviderOptions(adapter="gone")})
    found = await asyncio.to_thread(process.wait, probe(process.parts, gone, None))
    assert (found.ok, "there is no adapter 'gone'" in found.message) == (False, True)


def test_only_what_is_installed_can_be_configured(world: World) -> None:
    assert installed() == ("nothing", "streaming-word", "word")
    with pytest.raises(TypeError, match="no subclass"):
        load("nothing")
    for wire, options, code in (
        (Wire.ADAPTER, ProviderOptions(adapter="word"), None),
        (Wire.ADAPTER, ProviderOptions(adapter="other"), "unknown_adapter"),
        (Wire.ADAPTER, ProviderOptions(), "unknown_adapter"),
        (Wire.OPENAI_CHAT, ProviderOptions(adapter="word"), "misplaced_option"),
    ):
        found = None
        try:
            refuse_unfit(
                world.parts.config, vendor=Vendor.CUSTOM, wire=wire, base_url="https://x.example", model="m",
                options=options,
            )  # fmt: skip
        except InvalidRequest as refused:
            found = refused.errors[0].code
        assert found == code
