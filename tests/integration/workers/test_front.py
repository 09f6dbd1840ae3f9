"""The OpenAI-compatible front, asked by OpenAI's own SDK: an API process, a worker, a simulator."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import openai
import orjson
import pydantic
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from orchestrator import auth, clock
from orchestrator.config import Config
from orchestrator.limits.budgets import add_budget
from schemas.budgets import BudgetRequest, Period, Scope
from tests.integration.flow.invariants import check
from tests.integration.flow.world import World, eventually
from tests.integration.workers.simulated import Simulated
from workers.process import Process
from workers.run import run

QUESTION: list[Any] = [
    {"role": "developer", "content": "Answer in one sentence."},
    {"role": "user", "content": [{"type": "text", "text": "How many words are these?"}]},
]
SLOW = {"fault": "trickle", "chunk_ms": 100}
MODEL = "gpt-4.1-mini"
EMBEDDING_MODELS = ["text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(settings: Config) -> AsyncIterator[str]:
    """An API process."""
    environment = os.environ | {
        "ORCHESTRATOR_DATABASE_URL": settings.database_url or "",
        "ORCHESTRATOR_BROKER_URL": settings.broker_url or "",
        "ORCHESTRATOR_CHAT_SECONDS": "5",
    }
    command = (sys.executable, "-m", "orchestrator.server", "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=PIPE)
    assert process.stdout is not None
    yield orjson.loads(await asyncio.wait_for(process.stdout.readline(), 20))["url"]
    process.terminate()
    await process.communicate()


@dataclass(frozen=True)
class Front:
    """A tenant's way in."""

    world: World
    sdk: AsyncOpenAI
    http: httpx.AsyncClient

    async def booked(self) -> list[int]:
        """What the ledger says of each call."""
        rows = await self.world.rows("SELECT amount_nanos FROM ledger ORDER BY id")
        return [row.amount_nanos for row in rows]

    async def last(self) -> Any:
        """The task that was made last."""
        return (await self.world.rows("SELECT * FROM tasks ORDER BY id DESC LIMIT 1"))[0]


@asynccontextmanager
async def pumping(world: World, process: Process) -> AsyncIterator[None]:
    """Nudge the worker as the dispatcher would."""

    async def pump() -> None:
        while True:
            ready = "SELECT id FROM tasks WHERE status = 'queued' AND ready AND run_at <= clock_timestamp()"
            found = await world.rows(ready)
            await asyncio.gather(*(asyncio.to_thread(run, process, row.id) for row in found))
            await clock.sleep(0.01)

    running = asyncio.create_task(pump())
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@pytest_asyncio.fixture(loop_scope="session")
async def quiet(world: World, address: str) -> AsyncIterator[Front]:
    """A front before which nobody works."""
    key = await auth.create_key(world.parts, world.tenant_id, "sdk", tuple(auth.Scope))
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        AsyncOpenAI(api_key=key, base_url=f"{address}/openai/v1", max_retries=0) as sdk,
        httpx.AsyncClient(base_url=address, headers=headers, timeout=20, trust_env=False) as http,
    ):
        yield Front(world, sdk, http)


@pytest_asyncio.fixture(loop_scope="session")
async def front(quiet: Front, process: Process) -> AsyncIterator[Front]:
    """A front with a worker behind it."""
    async with pumping(quiet.world, process):
        yield quiet


@contextmanager
def refused(kind: type[openai.APIStatusError], status: int, code: str) -> Iterator[None]:
    """What the SDK makes of an error."""
    with pytest.raises(kind) as raised:
        yield
    assert (raised.value.status_code, raised.value.code) == (status, code), raised.value.message
    assert raised.value.request_id


async def test_a_chat_is_answered_and_its_cost_is_in_the_ledger(front: Front) -> None:
    answer = await front.sdk.chat.completions.create(
        model=MODEL, messages=QUESTION, temperature=0.5, user="ada", metadata={"team": "x"}, n=1
    )
    assert answer.choices[0].finish_reason == "stop"
    assert "words" in (answer.choices[0].message.content or "")
    assert answer.model.startswith(MODEL)
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    ours = (answer.model_extra or {})["orchestrator"]
    task = await front.last()
    assert (ours["task_id"], task.user_id, task.kind) == (str(task.id), "ada", "chat")
    assert [Decimal(ours["cost"]["usd"]) * 10**9] == await front.booked() != [0]
    await check(front.world)


class Count(pydantic.BaseModel):
    words: int
    said: str


async def test_an_answer_is_parsed_into_the_sdks_own_model(front: Front) -> None:
    answer = await front.sdk.chat.completions.parse(
        model=MODEL, messages=QUESTION, response_format=Count, max_tokens=400
    )
    assert isinstance(answer.choices[0].message.parsed, Count)
    anything = await front.sdk.chat.completions.create(
        model=MODEL, messages=QUESTION, response_format={"type": "json_object"}
    )
    assert isinstance(orjson.loads(anything.choices[0].message.content or ""), dict)
    assert len(await front.booked()) == 2
    await check(front.world)


async def test_a_provider_may_be_asked_by_its_name_and_a_limit_cuts(front: Front) -> None:
    answer = await front.sdk.chat.completions.create(model="alpha", messages=QUESTION, max_tokens=4)
    assert answer.choices[0].finish_reason == "length"


async def test_a_stream_comes_in_parts_with_the_same_cost(front: Front, simulator: Simulated) -> None:
    whole = await front.sdk.chat.completions.create(model=MODEL, messages=QUESTION)
    simulator.rules(SLOW)
    stream = await front.sdk.chat.completions.create(
        model=MODEL, messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    said = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert "".join(filter(None, said)) == whole.choices[0].message.content
    assert len(list(filter(None, said))) > 2
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert whole.usage is not None
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    first, second = await front.booked()
    assert 0 < second <= first
    await check(front.world)


async def test_a_text_completion_and_its_stream(front: Front) -> None:
    answer = await front.sdk.completions.create(model="auto", prompt="Say it.")
    parts = [
        chunk.choices[0].text
        async for chunk in await front.sdk.completions.create(model="auto", prompt="Say it.", stream=True)
    ]
    assert "".join(parts) == answer.choices[0].text != ""
    assert len(await front.booked()) == 2


async def test_texts_become_vectors_that_are_paid_by_their_tokens(front: Front, simulator: Simulated) -> None:
    texts = ["A lease is a claim with an end.", "A lease is a claim.", "Bananas are yellow, mostly."]
    many = await front.sdk.embeddings.create(model="text-embedding-3-small", input=texts, dimensions=256)
    vectors = [row.embedding for row in many.data]
    assert [len(vector) for vector in vectors] == [256, 256, 256]
    near, far = (sum(x * y for x, y in zip(vectors[0], other, strict=True)) for other in vectors[1:])
    assert near > far
    assert many.model == "text-embedding-3-small"
    one = await front.sdk.embeddings.create(
        model="alpha", input=texts[0], dimensions=256, encoding_format="float"
    )
    assert one.data[0].embedding == pytest.approx(vectors[0])
    calls = await front.world.rows("SELECT id, output_tokens, cost_nanos FROM calls ORDER BY id")
    billed = [simulator.entry(call.id)["billed_nano_dollars"] for call in calls]
    assert await front.booked() == billed
    assert all(billed)
    assert [call.output_tokens for call in calls] == [0, 0]
    body = {"model": "alpha", "input": "Say it.", "encoding_format": "base64"}
    answer = await front.http.post("/api/v1/embeddings", json=body)
    assert len(answer.json()["data"][0]["embedding"]) == 1_536 * 4 / 3 * 4
    await check(front.world)


async def test_what_can_not_become_vectors_is_refused_by_name(quiet: Front) -> None:
    create = quiet.sdk.embeddings.create
    for model in ("auto", MODEL, "text-embedding-9"):
        with refused(openai.NotFoundError, 404, "model_not_found"):
            await create(model=model, input="x")
    with refused(openai.BadRequestError, 400, "unsupported_parameter"):
        await create(model="alpha", input=[1, 2, 3])
    with refused(openai.BadRequestError, 400, "too_long"):
        await create(model="alpha", input=["x"] * 257)
    with refused(openai.BadRequestError, 400, "string_too_short"):
        await create(model="alpha", input="")
    body = {"kind": "embed", "context": {"inputs": ["x"]}}
    unnamed = await quiet.http.post("/api/v1/tasks", json=body)
    assert (unnamed.status_code, unnamed.json()["errors"][0]["field"]) == (422, "preferences.model")
    assert await quiet.world.rows("SELECT id FROM tasks") == []


async def test_models_are_listed_and_found(quiet: Front) -> None:
    names = [model.id async for model in await quiet.sdk.models.list()]
    assert names == ["auto", MODEL, "alpha", "beta", *EMBEDDING_MODELS]
    assert (await quiet.sdk.models.retrieve("alpha")).owned_by == "openai"
    with refused(openai.NotFoundError, 404, "model_not_found"):
        await quiet.sdk.models.retrieve("some/other")


async def test_mistakes_raise_the_sdks_own_errors_and_cost_nothing(quiet: Front) -> None:
    chat = quiet.sdk.chat.completions
    with refused(openai.NotFoundError, 404, "model_not_found"):
        await chat.create(model="gpt-9", messages=QUESTION)
    with refused(openai.BadRequestError, 400, "unsupported_parameter"):
        await chat.create(model=MODEL, messages=QUESTION, top_p=0.5)
    with refused(openai.BadRequestError, 400, "invalid_value"):
        wrong = {"type": "object", "properties": {"a": {"type": "text"}}}
        schema: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": wrong}}
        await chat.create(model=MODEL, messages=QUESTION, response_format=schema)
    with refused(openai.BadRequestError, 400, "less_than_equal"):
        await chat.create(model=MODEL, messages=QUESTION, temperature=3)
    with refused(openai.BadRequestError, 400, "unknown_field"):
        await chat.create(model=MODEL, messages=QUESTION, extra_body={"temprature": 1})
    with refused(openai.AuthenticationError, 401, "invalid_api_key"):
        await quiet.sdk.with_options(api_key="sk-other").models.list()
    reader = await auth.create_key(quiet.world.parts, quiet.world.tenant_id, "r", (auth.Scope.READ,))
    with refused(openai.PermissionDeniedError, 403, "forbidden"):
        await quiet.sdk.with_options(api_key=reader).chat.completions.create(model=MODEL, messages=QUESTION)
    missing = await quiet.http.get("/openai/v1/nothing")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    assert missing.headers["openai-processing-ms"].isdigit()
    assert await quiet.world.rows("SELECT id FROM tasks") == []


async def test_a_budget_that_is_too_small_is_a_402_and_nothing_is_called(front: Front) -> None:
    world = front.world
    asked = BudgetRequest(
        scope=Scope.TENANT, subject=None, period=Period.DAY, limit_usd="0.000000001", hard=True
    )
    await add_budget(world.parts.db, world.tenant_id, asked)
    with refused(openai.APIStatusError, 402, "budget_exhausted"):
        await front.sdk.chat.completions.create(model=MODEL, messages=QUESTION)
    assert await front.booked() == []


async def test_a_key_brings_the_same_answer_back_and_another_body_is_refused(front: Front) -> None:
    headers = {"Idempotency-Key": "once"}
    chat = front.sdk.with_options(default_headers=headers).chat.completions
    first = await chat.create(model=MODEL, messages=QUESTION)
    again = await chat.create(model=MODEL, messages=QUESTION)
    assert again.id == first.id
    assert len(await front.booked()) == 1
    with refused(openai.UnprocessableEntityError, 422, "idempotency_key_reused"):
        await chat.create(model=MODEL, messages=QUESTION, temperature=1)


@pytest.mark.parametrize(
    ("fault", "kind", "status", "code"),
    [
        ({"fault": "400"}, openai.BadRequestError, 400, "bad_request"),
        ({"fault": "429", "retry_after": 30}, openai.RateLimitError, 429, "rate_limit_exceeded"),
        ({"fault": "context_too_long"}, openai.BadRequestError, 400, "context_length_exceeded"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_the_provider_refuses_is_told_as_what_it_is(
    front: Front,
    simulator: Simulated,
    fault: dict[str, Any],
    kind: type[openai.APIStatusError],
    status: int,
    code: str,
    stream: bool,
) -> None:
    simulator.rules(fault)
    with refused(kind, status, code):
        await front.sdk.chat.completions.create(model="alpha", messages=QUESTION, stream=stream)


async def test_a_stream_that_breaks_off_ends_with_an_error_and_is_not_repeated(
    front: Front, simulator: Simulated
) -> None:
    simulator.rules({"fault": "disconnect", "chunk_ms": 100})
    stream = await front.sdk.chat.completions.create(model="auto", messages=QUESTION, stream=True)
    heard: list[str] = []
    with pytest.raises(openai.APIError) as raised:
        await _listen(stream, heard)
    assert "".join(heard)
    assert raised.value.code == "stream_interrupted"
    assert len(await front.booked()) == 1
    await check(front.world)


async def _listen(stream: Any, heard: list[str]) -> None:
    async for chunk in stream:
        heard.append(chunk.choices[0].delta.content or "")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_takes_its_task_along_and_pays_for_it(
    front: Front, simulator: Simulated, stream: bool
) -> None:
    simulator.rules({"fault": "trickle", "chunk_ms": 400})
    body = {"model": "alpha", "messages": QUESTION, "stream": stream}
    with suppress(TimeoutError):
        async with asyncio.timeout(1.5):
            async with front.http.stream("POST", "/openai/v1/chat/completions", json=body) as answer:
                async for _ in answer.aiter_bytes():
                    pass

    async def is_canceled() -> bool:
        return str((await front.last()).status) == "canceled"

    await eventually(is_canceled, 10)
    assert all(amount > 0 for amount in await front.booked())
    assert len(await front.booked()) == 1
    await check(front.world)


async def test_patience_ends_with_a_clear_error_and_the_task_with_it(quiet: Front) -> None:
    with refused(openai.InternalServerError, 503, "no_answer_in_time"):
        await quiet.sdk.chat.completions.create(model=MODEL, messages=QUESTION)

    async def is_over() -> bool:
        return str((await quiet.last()).status) == "canceled"

    await eventually(is_over)


async def test_generate_answers_in_one_request(front: Front) -> None:
    answer = await front.http.post("/api/v1/generate", json={"prompt": "How many words are these?"})
    told = answer.json()
    assert (answer.status_code, told["outcome"], told["provider"]) == (200, "answered", "alpha")
    assert "words" in told["response"]
    assert (told["confidence"], told["quality"]) == (None, 70)
    assert [Decimal(told["cost"]["usd"]) * 10**9] == await front.booked()


async def test_generate_with_fallback_goes_to_whoever_can_answer(
    front: Front, simulator: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.rules({"fault": "401", "times": 1})
    monkeypatch.setenv("ANOTHER_KEY", "sk-another")
    await front.world.rows("UPDATE providers SET credential = 'env:ANOTHER_KEY' WHERE name = 'beta'")
    body = {"prompt": "Say it.", "model": "alpha"}
    answer = await front.http.post("/api/v1/generate-with-fallback", json=body)
    assert (answer.json()["outcome"], answer.json()["provider"]) == ("answered", "beta")


async def test_a_generate_that_can_not_be_answered_is_a_labelled_refusal(
    front: Front, simulator: Simulated
) -> None:
    simulator.rules({"fault": "400"})
    told = (await front.http.post("/api/v1/generate", json={"prompt": "Say it."})).json()
    assert (told["outcome"], told["response"], told["error"]["category"]) == ("refused", None, "bad_request")


async def test_a_generate_whose_patience_ends_gives_the_task(quiet: Front) -> None:
    body = {"prompt": "Say it.", "wait_seconds": 0.2}
    answer = await quiet.http.post("/api/v1/generate", json=body)
    assert (answer.status_code, answer.json()["outcome"]) == (202, "pending")
    assert answer.headers["location"].endswith(answer.json()["task_id"])
    assert (await quiet.last()).status == "queued"


async def test_the_other_spellings_lead_to_the_front(front: Front) -> None:
    body = {"model": "auto", "messages": QUESTION}
    answer = await front.http.post("/api/v1/chat/completions", json=body)
    assert answer.json()["object"] == "chat.completion"
    wrong = await front.http.post("/api/v1/completions", json={"model": "auto"})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "prompt")
