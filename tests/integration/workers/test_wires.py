"""What the stream and the books make of each wire: framings, pings, ids, and a vendor's own charge."""

import asyncio
from collections.abc import AsyncIterator
from importlib import import_module
from itertools import repeat
from typing import Any
from uuid import UUID

import orjson
import pytest

from orchestrator import clock
from orchestrator.http.clients import Clients
from schemas.calls import Purpose
from schemas.errors import Category
from schemas.providers import QUEUES, Vendor, Wire
from tests.integration.flow.world import World
from tests.integration.workers.canned import Canned, canned
from tests.unit.workers import test_anthropic_wire as anthropic
from tests.unit.workers import test_ollama_wire as ollama
from tests.unit.workers import wires
from workers.call import call
from workers.context import render
from workers.process import Process
from workers.providers import WIRES
from workers.stream import Exchange, exchange

PATIENCE = 30.0
PING = wires.events(anthropic.PING, named=True)


@pytest.fixture
async def provider() -> AsyncIterator[Canned]:
    """A provider that sends what it is given."""
    async with canned() as running:
        yield running


async def exchanged(
    process: Process, provider: Canned, wire: Wire, vendor: Vendor, model: str = "m"
) -> Exchange:
    """One exchange of this wire with the provider."""
    ask = wires.ask(wire, vendor, model, base_url=provider.url)
    done, clients = Exchange(), Clients(1.0)
    request = WIRES[wire].request(ask, "key", "call-1")
    await exchange(clients, process.config, ask.provider, WIRES[wire], request, done, PATIENCE)
    await clients.close()
    return done


async def booked(
    world: World, process: Process, provider: Canned, vendor: Vendor, wire: Wire, model: str, **options: Any
) -> UUID:
    """A call that a provider of this vendor answered; its id."""
    world.queues = QUEUES
    await world.rows(
        "UPDATE providers SET vendor = :vendor, wire = :wire, base_url = :url, model = :model,"
        " credential = 'none', options = CAST(:options AS jsonb)",
        vendor=vendor, wire=wire, url=provider.url, model=model, options=orjson.dumps(options).decode(),
    )  # fmt: skip
    lease = await world.running(preferences={"providers": ["alpha"], "model": model})
    with process.holding(lease):
        made = call(process, lease, Purpose.FIRST, render(lease.request))
        await asyncio.to_thread(process.wait, made)
    return UUID(str(await world.value("SELECT id FROM calls WHERE task_id = :id", id=lease.task_id)))


async def test_an_answer_in_lines_is_read_and_one_in_events_is_not_taken_for_it(
    process: Process, provider: Canned
) -> None:
    provider.content_type, provider.chunks = "application/x-ndjson", [wires.lines(*ollama.ANSWER)]
    done = await exchanged(process, provider, Wire.OLLAMA, Vendor.OLLAMA)
    assert (done.failure, done.reply.text) == (None, "aü")
    provider.content_type = "text/event-stream"
    done = await exchanged(process, provider, Wire.OLLAMA, Vendor.OLLAMA)
    assert done.failure is not None
    assert done.failure.category is Category.MALFORMED


async def test_pings_keep_no_answer_alive(process: Process, provider: Canned) -> None:
    begun = wires.events(anthropic.START, anthropic.delta("half"), named=True)
    provider.chunks, provider.rest = [begun, *repeat(PING, 200)], 0.1
    started = clock.monotonic()
    done = await exchanged(process, provider, Wire.ANTHROPIC_MESSAGES, Vendor.ANTHROPIC)
    assert done.failure is not None
    assert done.failure.category is Category.IDLE_TIMEOUT
    assert clock.monotonic() - started < 10


async def test_pings_are_no_first_token_and_thinking_has_its_time(process: Process, provider: Canned) -> None:
    provider.chunks, provider.rest = repeat(PING, 200), 0.1
    done = await exchanged(process, provider, Wire.ANTHROPIC_MESSAGES, Vendor.ANTHROPIC)
    assert done.failure is not None
    assert done.failure.category is Category.FIRST_TOKEN_TIMEOUT
    thought = {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "hm"}}
    thoughts = repeat(wires.events(thought, named=True), 20)
    provider.chunks = [*thoughts, wires.events(*anthropic.ANSWER, named=True)]
    done = await exchanged(process, provider, Wire.ANTHROPIC_MESSAGES, Vendor.ANTHROPIC)
    assert (done.failure, done.reply.text) == (None, "aü")


@pytest.mark.parametrize(
    ("wire", "vendor", "header"),
    [
        (Wire.OPENAI_CHAT, Vendor.OPENAI, "x-request-id"),
        (Wire.OPENAI_CHAT, Vendor.AZURE, "apim-request-id"),
        (Wire.ANTHROPIC_MESSAGES, Vendor.ANTHROPIC, "request-id"),
    ],
)
async def test_an_answer_is_known_by_the_id_its_vendor_gave_it(
    process: Process, provider: Canned, wire: Wire, vendor: Vendor, header: str
) -> None:
    provider.headers = {header: "req_9"}
    assert (await exchanged(process, provider, wire, vendor)).reply.request_id == "req_9"


async def test_what_a_router_says_it_charged_is_booked(
    world: World, process: Process, provider: Canned
) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "cost": 0.00014}
    chunks = (
        {"model": "openai/gpt-5-mini", "choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]},
        {"choices": [], "usage": usage},
    )
    provider.chunks = [wires.events(*chunks)]
    model = "openai/gpt-5-mini"
    call_id = await booked(world, process, provider, Vendor.OPENROUTER, Wire.OPENAI_CHAT, model)
    row = await world.call(call_id)
    assert (row.cost_nanos, row.price_source, row.estimated) == (140_000, "vendor", False)


async def test_a_compatible_server_that_says_it_is_free_is_not_believed(
    world: World, process: Process, provider: Canned
) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "cost": 0}
    provider.chunks = [
        wires.events({"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}], "usage": usage})
    ]
    row = await world.call(
        await booked(world, process, provider, Vendor.CUSTOM, Wire.OPENAI_CHAT, "nobody-knows")
    )
    assert (row.price_source, row.estimated) == ("ceiling", True)
    assert row.cost_nanos > 0


async def test_huggingface_is_priced_by_who_was_asked_for(
    world: World, process: Process, provider: Canned
) -> None:
    asked = "openai/gpt-oss-120b:cerebras"
    usage = {"prompt_tokens": 1000, "completion_tokens": 100}
    finish = {"model": "gpt-oss-120b", "choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]}
    provider.chunks = [wires.events(finish | {"usage": usage})]
    row = await world.call(
        await booked(world, process, provider, Vendor.HUGGINGFACE, Wire.OPENAI_CHAT, asked)
    )
    assert (row.served_model, row.price_source, row.estimated) == (asked, "genai-prices", False)


async def test_an_answer_by_anthropic_is_booked_class_by_class(
    world: World, process: Process, provider: Canned
) -> None:
    provider.chunks = [wires.events(*anthropic.ANSWER, named=True)]
    provider.headers = {"request-id": "req_7"}
    model = "claude-sonnet-4-6"
    row = await world.call(
        await booked(world, process, provider, Vendor.ANTHROPIC, Wire.ANTHROPIC_MESSAGES, model)
    )
    assert (row.input_tokens, row.cached_tokens, row.cache_write_tokens) == (3_210, 3_000, 200)
    assert (row.output_tokens, row.request_id, row.served_tier) == (77, "req_7", "standard")
    assert row.cost_nanos == 10 * 3_000 + 3_000 * 300 + 150 * 3_750 + 50 * 6_000 + 77 * 15_000
    sent = orjson.loads(provider.asked[0].partition(b"\r\n\r\n")[2])
    assert sent["max_tokens"] > 0
    assert sent["system"]


async def test_what_cannot_be_written_for_a_provider_is_no_call(
    world: World, process: Process, provider: Canned
) -> None:
    lease = await world.running(preferences={"providers": ["alpha"]})
    broken = tuple(message.__class__(message.role, "half \ud800") for message in render(lease.request))
    made = await asyncio.to_thread(process.wait, call(process, lease, Purpose.FIRST, broken))
    assert isinstance(made, tuple)
    assert (made[0], made[1].category) == (None, Category.BAD_REQUEST)
    assert await world.value("SELECT count(*) FROM calls") == 0


def deep(levels: int) -> Any:
    """A list in a list, and so on."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def answer(usage: bytes) -> bytes:
    """A good answer with this usage."""
    choice = {"delta": {"content": "x"}, "finish_reason": "stop"}
    return b'data: {"choices":[%b],"usage":%b}\n\n' % (orjson.dumps(choice), usage)


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (b"[" * 300 + b"]" * 300, "nested too deeply"),
        (orjson.dumps(deep(60)), "levels deep"),
        (orjson.dumps("x" * 20_000), "larger than 16384 bytes"),
        (b'"a\\u0000"', "NUL"),
    ],
)
async def test_usage_that_cannot_be_kept_is_booked_all_the_same(
    world: World, process: Process, provider: Canned, odd: bytes, why: str
) -> None:
    provider.chunks = [answer(b'{"prompt_tokens":10,"completion_tokens":2,"x":' + odd + b"}")]
    call_id = await booked(world, process, provider, Vendor.OPENAI, Wire.OPENAI_CHAT, "gpt-5-mini")
    row = await world.call(call_id)
    assert (row.status, row.input_tokens, row.output_tokens, row.estimated) == ("answered", 10, 2, False)
    usage = await world.value("SELECT usage FROM calls WHERE id = :id", id=call_id)
    assert why in usage["left_out"]


@pytest.mark.parametrize("count", [2**26 + 1, 2**64 - 1, -1])
async def test_a_count_beyond_reason_is_charged_at_the_hold(
    world: World, process: Process, provider: Canned, count: int
) -> None:
    provider.chunks = [answer(orjson.dumps({"prompt_tokens": count, "completion_tokens": 2}))]
    row = await world.call(
        await booked(world, process, provider, Vendor.OPENAI, Wire.OPENAI_CHAT, "gpt-5-mini")
    )
    assert (row.status, row.category, row.price_source, row.estimated) == (
        "failed",
        "malformed",
        "hold",
        True,
    )
    assert row.cost_nanos == row.hold_nanos > 0
    assert row.message == (
        "The provider's answer was malformed: in piece 1, prompt_tokens must be from 0 to 67108864."
    )


@pytest.mark.parametrize(
    ("told", "count"),
    [
        (b'{"t":"x","u":[18446744073709551615,1],"o":1}', "input_tokens"),
        (b'{"t":"x","u":[67108000,1000],"o":1}', "input_tokens"),
        (b'{"t":"x","u":[1,1],"o":2000000000}', "output_tokens"),
        (b'{"t":"x","u":[1,1],"o":4194305}', "output_tokens is no count"),
    ],
)
async def test_counts_that_are_added_up_by_a_declared_wire_are_bounded_too(
    world: World, process: Process, provider: Canned, told: bytes, count: str
) -> None:
    provider.content_type = "application/json"
    provider.chunks = [told]
    declared = {
        "body": {"ask": "{{prompt}}", "most": "{{max_tokens}}"},
        "answer": {"text": "t", "input_tokens": ["u[*]"], "output_tokens": ["o"]},
    }
    call_id = await booked(world, process, provider, Vendor.CUSTOM, Wire.CUSTOM, "m", custom=declared)
    row = await world.call(call_id)
    assert (row.status, row.category, row.price_source) == ("failed", "malformed", "hold")
    assert row.message.startswith(f"The provider's answer was malformed: {count}")


@pytest.mark.parametrize(
    "broken", ["workers.call._outcome", "orchestrator.flow.book._params", "workers.call.exchange"]
)
async def test_whatever_goes_wrong_after_the_exchange_the_call_is_booked_at_its_hold(
    world: World, process: Process, provider: Canned, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    module, name = broken.rsplit(".", 1)
    real = getattr(import_module(module), name)
    struck: list[int] = []

    def once(*given: Any) -> Any:
        if struck:
            return real(*given)
        struck.append(1)
        raise KeyError("unforeseen")

    monkeypatch.setattr(broken, once)
    provider.chunks = [answer(b'{"prompt_tokens":10,"completion_tokens":2}')]
    row = await world.call(
        await booked(world, process, provider, Vendor.OPENAI, Wire.OPENAI_CHAT, "gpt-5-mini")
    )
    assert (row.status, row.category, row.price_source, row.estimated) == (
        "failed",
        "malformed",
        "hold",
        True,
    )
    assert row.cost_nanos == row.hold_nanos > 0


async def test_an_error_whose_words_cannot_be_read_goes_by_its_status(
    process: Process, provider: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: Any) -> Any:
        raise RecursionError

    monkeypatch.setattr(type(WIRES[Wire.OPENAI_CHAT]), "failure", unreadable)
    provider.status, provider.chunks = 503, [b"{}"]
    done = await exchanged(process, provider, Wire.OPENAI_CHAT, Vendor.OPENAI)
    assert done.failure is not None
    assert (done.refused, done.failure.category) == (True, Category.OVERLOADED)


async def test_a_malformed_answer_is_told_in_plain_words(process: Process, provider: Canned) -> None:
    provider.chunks = [wires.events({"choices": [{"delta": "x"}]})]
    done = await exchanged(process, provider, Wire.OPENAI_CHAT, Vendor.OPENAI)
    assert done.failure is not None
    assert done.failure.message == (
        "The provider's answer was malformed: in piece 1, delta must be an object."
    )
