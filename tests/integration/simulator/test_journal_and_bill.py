"""The simulator as a witness: what it received, and what it charges for it."""

import json
import time

from tests.integration.simulator.conftest import CHAT, Client


async def test_the_bill_is_the_sum_of_the_journal(client: Client) -> None:
    for number in range(6):
        await client.chat(
            call=f"call-{number}", stream=number % 2 == 0, model=("gpt-5", "mystery")[number % 2]
        )
    await client.chat(call="call-6", fault="fault=500")
    page = (await client.http.get("/simulator/journal")).json()
    bill = await client.bill()
    assert [entry["id"] for entry in page["entries"]] == [f"call-{number}" for number in range(7)]
    assert bill["total"]["requests"] == page["total"] == 7
    assert bill["total"]["nano_dollars"] == sum(entry["billed_nano_dollars"] for entry in page["entries"])
    assert bill["total"]["charged"] == 6
    assert bill["models"]["gpt-5-2025-08-07"]["listed"]
    assert not bill["models"]["mystery"]["listed"]


async def test_an_entry_tells_what_the_client_saw(client: Client) -> None:
    before = time.time()
    response = await client.chat(call="call-7", stream=True)
    after = time.time()
    entry = await client.entry("call-7")
    assert before <= entry["received_at"] <= entry["first_sent_at"] <= entry["ended_at"] <= after
    assert entry["request_id"] == response.headers["x-request-id"]
    assert (entry["model"], entry["served_model"]) == ("gpt-5-mini", "gpt-5-mini-2025-08-07")
    assert (entry["status"], entry["outcome"], entry["streamed"]) == (200, "answered", True)
    assert entry["response_bytes"] == len(response.content)
    assert entry["request_bytes"] == len(response.request.content)
    assert (entry["account"], entry["path"]) == ("default", CHAT)


async def test_one_id_may_have_several_entries_and_an_unknown_one_has_none(client: Client) -> None:
    for _ in range(2):
        await client.chat(call="id with/slash")
    found = (await client.http.get("/simulator/journal/id%20with%2Fslash")).json()
    assert len(found) == 2
    assert len({entry["prompt_sha256"] for entry in found}) == 1
    assert (await client.http.get("/simulator/journal/nobody")).json() == []


async def test_a_request_without_an_id_is_in_the_journal_too(client: Client) -> None:
    body = json.dumps({"model": "gpt-5", "messages": [{"role": "user", "content": "x"}]})
    await client.http.post(CHAT, content=body, headers={"authorization": "Bearer x"})
    (entry,) = (await client.http.get("/simulator/journal")).json()["entries"]
    assert entry["id"] is None


async def test_pages_and_their_limits(client: Client) -> None:
    for number in range(5):
        await client.chat(call=f"call-{number}")
    page = (await client.http.get("/simulator/journal?after=1&limit=2")).json()
    assert ([entry["n"] for entry in page["entries"]], page["next"], page["has_more"]) == ([2, 3], 3, True)
    assert (await client.http.get("/simulator/journal?after=x")).status_code == 400


async def test_a_reset_starts_afresh(client: Client) -> None:
    await client.chat()
    assert (await client.http.delete("/simulator/journal")).status_code == 204
    assert (await client.bill())["total"]["requests"] == 0
    assert (await client.http.get("/simulator/journal")).json()["entries"] == []


async def test_personas_answer_badly_and_then_mend_it(client: Client) -> None:
    await client.rules({"persona": "syntax_error", "match": {"prompt_contains": "slugify"}})
    first = [
        {"role": "system", "content": "Task kind: generate_code"},
        {"role": "user", "content": "<description>slugify(title)</description>"},
    ]
    repair = [
        *first,
        {"role": "assistant", "content": "…"},
        {"role": "user", "content": "<problems>slugify.py: invalid syntax</problems>"},
    ]
    broken = (await client.chat(messages=first)).json()["choices"][0]["message"]["content"]
    mended = (await client.chat(messages=repair)).json()["choices"][0]["message"]["content"]
    assert "def broken(:" in broken
    assert "def broken(:" not in mended
    assert "<<<<<<< SEARCH" in mended
