"""The events of a task: pages, and a stream that ends and can be resumed."""

import asyncio
from uuid import uuid4

import pytest

from orchestrator.api import events
from schemas.api import EventPage
from tests.integration.api.visitor import Visitor, until

STREAM = "text/event-stream"


def ids(text: str) -> list[int]:
    return [int(line[4:]) for line in text.splitlines() if line.startswith("id: ")]


def names(text: str) -> list[str]:
    return [line[7:] for line in text.splitlines() if line.startswith("event: ")]


async def test_pages_of_events_follow_each_other(caller: Visitor) -> None:
    task = await caller.submit()
    await caller.succeed(task.id)
    everything = EventPage.model_validate_json((await caller.get(task.links.events)).content)
    assert [event.id for event in everything.data] == list(range(1, len(everything.data) + 1))
    assert everything.next_cursor is None
    found, after = [], "0"
    while after:
        page = EventPage.model_validate_json(
            (await caller.get(f"{task.links.events}?limit=2&after={after}")).content
        )
        found.extend(page.data)
        after = page.next_cursor or ""
    assert found == everything.data
    assert (found[0].name, found[-1].name) == ("task.queued", "task.succeeded")


async def test_a_stream_tells_everything_up_to_the_end_and_ends(caller: Visitor) -> None:
    task = await caller.submit()
    streaming = asyncio.create_task(caller.get(task.links.events, Accept=STREAM))
    await caller.succeed(task.id)
    response = await streaming
    assert response.headers["content-type"].startswith(STREAM)
    assert ids(response.text) == list(range(1, len(ids(response.text)) + 1))
    assert (names(response.text)[0], names(response.text)[-1]) == ("task.queued", "task.succeeded")


async def test_a_stream_goes_on_after_the_last_event_seen(caller: Visitor) -> None:
    task = await caller.submit()
    await caller.succeed(task.id)
    whole = await caller.get(task.links.events, Accept=STREAM)
    rest = await caller.get(task.links.events, Accept=STREAM, Last_Event_ID="2")
    assert ids(rest.text) == ids(whole.text)[2:]


async def test_who_comes_back_after_the_end_gets_204(caller: Visitor) -> None:
    task = await caller.submit()
    await caller.succeed(task.id)
    last = ids((await caller.get(task.links.events, Accept=STREAM)).text)[-1]
    response = await caller.get(task.links.events, Accept=STREAM, Last_Event_ID=str(last))
    assert (response.status_code, response.content) == (204, b"")


async def test_a_quiet_stream_has_a_heartbeat(caller: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.05)
    task = await caller.submit()
    streaming = asyncio.create_task(caller.get(task.links.events, Accept=STREAM))
    beats = asyncio.get_running_loop().time() + 0.2
    await until(lambda: asyncio.sleep(0, asyncio.get_running_loop().time() > beats))
    await caller.post(task.links.cancel)
    assert ": still here" in (await streaming).text


async def test_a_last_event_id_that_is_no_number_starts_at_the_beginning(caller: Visitor) -> None:
    task = await caller.submit()
    await caller.post(task.links.cancel)
    assert ids((await caller.get(task.links.events, Accept=STREAM, Last_Event_ID="x")).text) == [1, 2]


async def test_an_unknown_task_has_no_stream(caller: Visitor) -> None:
    assert (await caller.get(f"/api/v1/tasks/{uuid4()}/events", Accept=STREAM)).status_code == 404
