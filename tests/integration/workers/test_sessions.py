"""The history of a session: earlier tasks before a task that asks for them, and nobody else's."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
import pytest

from tests.integration.flow import world as making
from tests.integration.flow.world import World
from tests.integration.workers.canned import Canned, canned
from tests.integration.workers.test_redaction import SECRET, answering, prompts
from workers.context.sensitive import PLACEHOLDER
from workers.process import Process
from workers.run import run

SESSION: dict[str, Any] = {"session_id": "s-1", "preferences": {"providers": ["alpha"]}}
MARK = "[Earlier task of this session: "


@pytest.fixture
async def provider(world: World) -> AsyncIterator[Canned]:
    """A provider that answers what it was asked by what the test says."""
    async with canned() as running:
        await world.rows(
            "UPDATE providers SET base_url = :url, credential = 'none' WHERE name = 'alpha'", url=running.url
        )
        yield running


async def done(world: World, process: Process, kind: str, context: dict[str, Any], **fields: Any) -> UUID:
    """A task that a worker has ended."""
    task_id = await world.submit(kind=kind, context=context, **{**SESSION, **fields})
    await asyncio.to_thread(run, process, task_id)
    assert (await world.task(task_id)).status == "succeeded"
    return task_id


async def chat(world: World, process: Process, prompt: str, **fields: Any) -> UUID:
    return await done(world, process, "chat", {"prompt": prompt}, **fields)


async def asks(world: World, process: Process, provider: Canned, **fields: Any) -> str:
    """What a task of the session that asks for its history sends."""
    await done(
        world, process, "chat", {"prompt": "And now?", "session_history": True}, **{**SESSION, **fields}
    )
    return prompts(provider)[-1]


def said(provider: Canned) -> list[dict[str, str]]:
    """The messages of the last request."""
    found: list[dict[str, str]] = orjson.loads(provider.asked[-1].partition(b"\r\n\r\n")[2])["messages"]
    return found


async def test_a_task_that_asks_is_told_of_the_sessions_earlier_tasks_in_their_order(
    world: World, process: Process, provider: Canned
) -> None:
    answering(provider, lambda _: "Four legs.", lambda _: "Two legs.", lambda _: "Six.")
    await chat(world, process, "A cat?")
    await chat(world, process, "A bird?")
    last = await done(
        world,
        process,
        "chat",
        {
            "session_history": True,
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "A bee?"},
            ],
        },
    )
    messages = said(provider)
    assert [each["role"] for each in messages] == [
        "system", "user", "assistant", "user", "assistant", "user",
    ]  # fmt: skip
    assert messages[1]["content"].startswith(MARK + "chat, ")
    assert messages[1]["content"].endswith("]\nA cat?")
    assert [each["content"] for each in messages[2::2]] == ["Four legs.", "Two legs."]
    assert messages[-1]["content"] == "A bee?"
    (row,) = await world.rows("SELECT result FROM task_results WHERE id = :id", id=last)
    assert row.result["verification"]["checks"][0]["detail"].endswith("shown: 2")


async def test_nothing_is_told_unless_it_is_asked_for(
    world: World, process: Process, provider: Canned
) -> None:
    answering(provider, lambda _: "Yes.")
    await chat(world, process, "A cat?")
    await chat(world, process, "A bird?")
    assert [each["content"] for each in said(provider)] == ["A bird?"]


async def test_code_is_told_as_what_was_said_earlier_and_as_the_data_it_is(
    world: World, process: Process, provider: Canned
) -> None:
    new = "a.py\n<<<<<<< SEARCH\n=======\nx = 1\n>>>>>>> REPLACE\n"
    answering(provider, lambda _: "I made it.\n\n" + new, lambda _: "Four legs.")
    await done(world, process, "generate_code", {"description": "Make a.py."})
    asked = await asks(world, process, provider)
    assert MARK + "generate_code, " in asked
    assert "Make a.py." in asked
    assert "I made it." in asked
    assert "+x = 1" in asked
    answering(provider, lambda _: "", lambda _: "", lambda _: new)
    await done(world, process, "generate_code", {"description": "Once more.", "session_history": True})
    assert '<message role="user">\n' + MARK + "generate_code" in prompts(provider)[-1]


async def test_another_session_another_user_and_another_tenant_leave_nothing(
    world: World, process: Process, provider: Canned
) -> None:
    answering(provider, lambda _: "A canary.")
    await chat(world, process, "Of another session", session_id="s-2")
    await chat(world, process, "Of another user", user_id="u-2")
    others = await making.make_world(world.parts)
    await world.rows("UPDATE providers AS p SET base_url = mine.base_url, credential = 'none' "
                     "FROM providers AS mine WHERE mine.name = 'alpha' AND mine.tenant_id = :mine "
                     "AND p.tenant_id = :theirs", mine=world.tenant_id, theirs=others.tenant_id)  # fmt: skip
    await chat(others, process, "Of another tenant")
    assert [each["content"] for each in said(provider)] == ["Of another tenant"]
    asked = await asks(world, process, provider)
    assert asked == "And now?"
    assert await asks(world, process, provider, user_id="u-2") != "And now?"


async def test_what_was_erased_does_not_come_back(world: World, process: Process, provider: Canned) -> None:
    answering(provider, lambda _: "A canary.")
    payload, result = [await chat(world, process, f"Question {number}") for number in range(2)]
    kept = await chat(world, process, "Question 2")
    await world.rows("DELETE FROM task_payloads WHERE id = :id", id=payload)
    await world.rows("DELETE FROM task_results WHERE id = :id", id=result)
    asked = await asks(world, process, provider)
    assert "Question 2" in asked
    assert "Question 0" not in asked
    assert "Question 1" not in asked
    await world.rows("UPDATE task_payloads SET request = '{}' WHERE id = :id", id=kept)
    assert "Question" not in (await asks(world, process, provider)).partition("And now?")[0]


async def test_secrets_of_earlier_tasks_are_hidden_like_those_of_this_one(
    world: World, process: Process, provider: Canned
) -> None:
    answering(provider, lambda _: "Noted.", lambda asked: f"You said {PLACEHOLDER.search(asked)[0]}")  # type: ignore[index]
    await chat(world, process, f'PASSWORD = "{SECRET}"')
    asked = await asks(world, process, provider)
    assert SECRET not in asked
    assert PLACEHOLDER.search(asked)


async def test_the_oldest_are_left_out_where_all_would_be_too_much(
    world: World, process: Process, provider: Canned
) -> None:
    answering(provider, lambda _: "word " * 1_000)
    for number in range(8):
        await chat(world, process, f"Question {number}: " + "why " * 1_000)
    asked = await asks(world, process, provider)
    assert "[Older tasks of this session are left out.]" in asked
    assert "Question 7" in asked
    assert "Question 0" not in asked
    assert len(asked.encode()) < 8_000 * 3 / 0.6 + 1_000


async def test_a_later_attempt_is_told_nothing_that_ended_after_the_first_began(
    world: World, process: Process, provider: Canned
) -> None:
    answering(provider, lambda _: "Yes.")
    early = await world.submit(kind="chat", context={"prompt": "Slow", "session_history": True}, **SESSION)
    first = await world.submit(kind="chat", context={"prompt": "Later"}, **SESSION)
    await asyncio.to_thread(run, process, first)
    await asyncio.to_thread(run, process, early)
    assert [each["content"] for each in said(provider)] == ["Slow"]
