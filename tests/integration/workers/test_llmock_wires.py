"""Providers by others (`llmock`) speak our wires over real HTTP: answers, usage, errors, broken streams."""

from collections.abc import AsyncIterator, Iterator

import pytest
from llmock.scenarios import Behavior, Fail, Reply, StreamFault
from llmock.testing import LLMockServer

from orchestrator.config import Config
from orchestrator.http.clients import Clients
from schemas.errors import Category
from schemas.providers import Vendor, Wire
from tests.unit.workers import wires
from workers.context import Message
from workers.providers import WIRES
from workers.stream import Exchange, exchange

SPOKEN = (
    (Wire.OPENAI_CHAT, Vendor.OPENAI, "openai", "gpt-4.1-mini"),
    (Wire.OPENAI_RESPONSES, Vendor.OPENAI, "openai", "gpt-4.1-mini"),
    (Wire.ANTHROPIC_MESSAGES, Vendor.ANTHROPIC, "anthropic", "claude-sonnet-4-6"),
    (Wire.GEMINI, Vendor.GOOGLE, "gemini", "gemini-2.5-flash"),
    (Wire.OPENAI_CHAT, Vendor.GROQ, "groq", "llama-3.3-70b-versatile"),
    (Wire.OPENAI_CHAT, Vendor.MISTRAL, "mistral", "mistral-large-latest"),
    (Wire.OPENAI_CHAT, Vendor.XAI, "xai", "grok-4"),
)
BELOW = {"gemini": "/v1beta"}
"""What a vendor's SDK adds to its base URL by itself."""
PROMPT = (Message("system", "Be brief. " * 20), Message("user", "Say two words. " * 20))
ANSWER = "Two words, and übung."


@pytest.fixture(scope="module")
def server() -> Iterator[LLMockServer]:
    """llmock's server on a free port."""
    with LLMockServer() as running:
        yield running


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    """The HTTP clients of a process."""
    made = Clients(5.0)
    yield made
    await made.close()


async def asked(
    server: LLMockServer, clients: Clients, spoken: tuple[Wire, Vendor, str, str], *behaviours: Behavior
) -> Exchange:
    """One exchange with the server behaving so."""
    wire, vendor, name, model = spoken
    server.state.reset()
    server.state.scenarios.add(*behaviours)
    base_url = server.base_url(name) + BELOW.get(name, "")
    ask = wires.ask(wire, vendor, model, base_url=base_url, messages=PROMPT)
    done, speaking = Exchange(), WIRES[wire]
    request = speaking.request(ask, "sk-test", "call-1")
    await exchange(clients, Config(), ask.provider, speaking, request, done, 20.0)
    return done


def named(spoken: tuple[Wire, Vendor, str, str]) -> str:
    return f"{spoken[0]}-{spoken[1]}"


@pytest.mark.parametrize("spoken", SPOKEN, ids=named)
async def test_an_answer_is_read_whole_and_with_its_usage(
    server: LLMockServer, clients: Clients, spoken: tuple[Wire, Vendor, str, str]
) -> None:
    done = await asked(server, clients, spoken, Reply(text=ANSWER))
    assert (done.failure, done.reply.text) == (None, ANSWER)
    if spoken[1] is not Vendor.MISTRAL:  # which tells its usage unasked, other than llmock takes it to
        assert done.reply.usage is not None
        assert done.reply.usage.input_tokens > 0
        assert done.reply.usage.output_tokens > 0
    assert done.reply.model == spoken[3]
    assert done.first_token is not None


@pytest.mark.parametrize("spoken", SPOKEN, ids=named)
@pytest.mark.parametrize(
    ("behaviour", "category"),
    [
        (Fail(429, retry_after=3), Category.RATE_LIMITED),
        (Fail(401), Category.UNAUTHORIZED),
        (Fail(500), Category.SERVER_ERROR),
        (StreamFault("truncate", after_chunks=2), Category.TRUNCATED),
        (StreamFault("disconnect", after_chunks=2), Category.TRUNCATED),
        (StreamFault("malformed", after_chunks=1), Category.MALFORMED),
    ],
    ids=lambda value: getattr(value, "kind", None) or str(getattr(value, "status", value)),
)
async def test_what_goes_wrong_is_taken_for_what_it_is(
    server: LLMockServer,
    clients: Clients,
    spoken: tuple[Wire, Vendor, str, str],
    behaviour: Behavior,
    category: Category,
) -> None:
    done = await asked(server, clients, spoken, behaviour, Reply(text=ANSWER))
    assert done.failure is not None
    assert done.failure.category is category
    assert done.reply.usage is None
    if category is Category.RATE_LIMITED:
        assert done.failure.retry_after == 3.0
