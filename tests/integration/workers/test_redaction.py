"""Redaction on a worker's way: a patch around a secret applies; a secret is where it belongs, or nowhere."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import orjson
import pytest
from redis.asyncio import Redis

from orchestrator import telemetry
from orchestrator.broker import Publisher
from orchestrator.flow.dispatch import Board, dispatch
from orchestrator.flow.follow import Delta, follow
from orchestrator.flow.rescue import rescue
from orchestrator.flow.tune import tune
from orchestrator.flow.watch import watch
from schemas.errors import InvalidRequest
from schemas.privacy import RedactionRule
from schemas.routing import RoutingConfig
from tests.integration.flow.invariants import check
from tests.integration.flow.world import TABLES, World
from tests.integration.workers.canned import Canned, canned
from tests.integration.workers.test_run import work
from tests.unit.context.leaks import lot
from tests.unit.workers.wires import events
from workers.context.sensitive import PLACEHOLDER
from workers.process import Process

SECRET = lot("canary", 24)
ADDRESS = "ada.canary" + "@" + "analytical.io"
SETTINGS = f'HOST = "db"\nPASSWORD = "{SECRET}"\nRETRIES = 3\nOWNER = "{ADDRESS}"\n'
CHANGED = SETTINGS.replace("RETRIES = 3", "RETRIES = 5")
ONE = {"providers": ["alpha"]}
FIX: dict[str, Any] = {"kind": "fix_bug", "context": {"description": "Retry five times."}, "preferences": ONE}
KEPT = ("tasks", "task_payloads", "task_results", "idempotency_keys", "call_answers")
"""Tables of what the submitter sent and gets; of the last one only placeholders are expected."""

Says = Callable[[str], str]


def edit(path: str, old: str, new: str) -> str:
    return f"Done.\n\n{path}\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n"


def retries(prompt: str) -> str:
    """Change one line, and search by its neighbours, as they were told."""
    told = re.search(r'HOST = "db"\nPASSWORD = .*\nRETRIES = 3\nOWNER = .*\n', prompt)
    assert told, prompt
    return edit("settings.py", told[0], told[0].replace("RETRIES = 3", "RETRIES = 5"))


@pytest.fixture
async def provider(world: World) -> AsyncIterator[Canned]:
    """A provider that answers what it was asked by what the test says."""
    async with canned() as running:
        await world.rows(
            "UPDATE providers SET base_url = :url, credential = 'none' WHERE name = 'alpha'", url=running.url
        )
        yield running


def prompts(provider: Canned) -> list[str]:
    """What the provider was asked, as text."""
    bodies = [orjson.loads(asked.partition(b"\r\n\r\n")[2]) for asked in provider.asked]
    return ["\n".join(each["content"] for each in body["messages"]) for body in bodies]


def answering(provider: Canned, *says: Says) -> None:
    """Answer one request after the other; the chunks are made when one has come."""

    class Chunks:
        def __iter__(self) -> Iterator[bytes]:
            say = says[min(len(provider.asked), len(says)) - 1]
            text = say(prompts(provider)[-1])
            for at in range(0, len(text), 7):
                choice = {"index": 0, "delta": {"content": text[at : at + 7]}, "finish_reason": None}
                yield events({"model": "gpt-4.1-mini", "choices": [choice]})
            yield events(
                {"model": "gpt-4.1-mini", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
            )
            usage = {"prompt_tokens": 100, "completion_tokens": 10}
            yield events({"model": "gpt-4.1-mini", "choices": [], "usage": usage}) + b"data: [DONE]\n\n"

    provider.chunks = Chunks()


async def result_of(world: World, task_id: UUID) -> Any:
    return await world.value("SELECT result FROM task_results WHERE id = :id", id=task_id)


def fix(content: str = SETTINGS, **fields: Any) -> dict[str, Any]:
    context = FIX["context"] | {"files": [{"path": "settings.py", "content": content}]} | fields
    return FIX | {"context": context}


async def test_a_patch_around_a_secret_applies_and_the_provider_never_saw_it(
    world: World, process: Process, provider: Canned
) -> None:
    answering(provider, retries)
    task_id = await world.submit(**fix())
    await work(process, task_id)
    result = await result_of(world, task_id)
    assert result["files"][0]["content"] == CHANGED
    assert f'PASSWORD = "{SECRET}"' in result["diff"]
    assert result["verification"]["notices"] == [
        {
            "kind": "redacted",
            "where": "context",
            "detail": "hidden from the provider, and put back here: 1 × email, 1 × secret",
        }
    ]
    asked = b"".join(provider.asked).decode()
    assert SECRET not in asked
    assert ADDRESS not in asked
    assert len(set(PLACEHOLDER.findall(asked))) == 2
    await check(world)


async def test_a_second_round_and_a_second_attempt_know_the_same_words(
    world: World, process: Process, provider: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(provider, lambda _: edit("settings.py", "NOT THERE\n", "x\n"), retries)
    task_id = await world.submit(**fix())
    with monkeypatch.context() as patched:
        patched.setattr("workers.run.disarm", _dies)
        with pytest.raises(ZeroDivisionError):
            await work(process, task_id)
    await world.die(process.boot_id)
    await rescue(world.parts)
    await work(process, task_id)
    assert (await result_of(world, task_id))["files"][0]["content"] == CHANGED
    first, second = prompts(provider)
    assert second.startswith(first)
    assert set(PLACEHOLDER.findall(first)) == set(PLACEHOLDER.findall(second))


async def test_a_short_password_of_a_url_is_hidden_in_later_rounds_too(
    world: World, process: Process, provider: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = 'URL = "postgres://shop:k4z@db.internal/shop"\n'
    answering(
        provider,
        lambda prompt: edit("settings.py", f"KEY = {PLACEHOLDER.findall(prompt)[-1]}\n", "x\n"),
        lambda prompt: edit("settings.py", "URL = ", "URI = ") + PLACEHOLDER.findall(prompt)[-1],
        lambda _: edit("settings.py", content, "x = 1\n"),
    )
    task_id = await world.submit(**fix(content))
    with monkeypatch.context() as patched:
        patched.setattr("workers.context.again.render_repair", _dies)
        with pytest.raises(ZeroDivisionError):
            await work(process, task_id)
    await world.die(process.boot_id)
    await rescue(world.parts)
    await work(process, task_id)
    assert len(provider.asked) > 1
    assert "k4z" not in b"".join(provider.asked).decode()


async def test_a_verifier_sees_nothing_that_was_hidden_from_the_reviewer_and_is_understood_after_a_crash(
    world: World, process: Process, provider: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    diff = '--- a/a.py\n+++ b/a.py\n@@ -1 +1,2 @@\n x = 1\n+y = "postgres://shop:k4z@db.internal/shop"\n'
    finding = (
        '<summary>S.</summary>\n<finding file="a.py" side="new" line="1" severity="high" category="bug"'
        ' confidence="9" title="T">\n<quote>\nx = 1\n</quote>\n<body>It is {} here.</body>\n</finding>'
    )
    score = '<score finding="1" score="9" verdict="keep">Because of {}.</score>'
    answering(
        provider,
        lambda prompt: finding.format(PLACEHOLDER.findall(prompt)[-1]),
        lambda prompt: score.format(PLACEHOLDER.findall(prompt)[-1]),
    )
    task_id = await world.submit(
        kind="review_code", context={"diff": diff}, preferences=ONE | {"verifier": True}
    )
    with monkeypatch.context() as patched:
        patched.setattr("workers.run.disarm", _dies)
        with pytest.raises(ZeroDivisionError):
            await work(process, task_id)
    await world.die(process.boot_id)
    await rescue(world.parts)
    await work(process, task_id)
    found = (await result_of(world, task_id))["findings"][0]
    assert (found["body"], found["judgement"]["reason"]) == ("It is k4z here.", "Because of k4z.")
    assert len(provider.asked) == 2
    assert "k4z" not in b"".join(provider.asked).decode()


async def test_a_schema_leaves_without_its_secrets_and_its_answer_fits_it(
    world: World, process: Process, provider: Canned
) -> None:
    properties = {"password": {"const": SECRET}, "owner": {"enum": [ADDRESS]}}
    schema = {"type": "object", "properties": properties, "required": ["password", "owner"]}

    def fits(_: str) -> str:
        body = orjson.loads(provider.asked[-1].partition(b"\r\n\r\n")[2])
        asked = body["response_format"]["json_schema"]["schema"]["properties"]
        return json.dumps({"password": asked["password"]["const"], "owner": asked["owner"]["enum"][0]})

    answering(provider, fits)
    context = {"prompt": "Who?", "answer_schema": schema}
    task_id = await world.submit(kind="chat", context=context, preferences=ONE)
    await work(process, task_id)
    result = await result_of(world, task_id)
    assert json.loads(result["text"]) == {"password": SECRET, "owner": ADDRESS}
    assert len(provider.asked) == 1
    assert SECRET not in provider.asked[0].decode()
    assert ADDRESS not in provider.asked[0].decode()


def _dies(*_: object) -> None:
    raise ZeroDivisionError


async def test_an_invented_placeholder_is_asked_about_and_never_delivered(
    world: World, process: Process, provider: Canned
) -> None:
    word = "HIDDEN_" + "SECRET_0123456789ab"
    answering(provider, lambda prompt: retries(prompt).replace("RETRIES = 5", f'KEY = "{word}"'), retries)
    task_id = await world.submit(**fix())
    await work(process, task_id)
    assert (await result_of(world, task_id))["files"][0]["content"] == CHANGED
    assert f"{word} stands for nothing" in prompts(provider)[1]


async def test_a_task_goes_out_as_it_is_only_where_its_tenant_lets_it(
    world: World, process: Process, provider: Canned
) -> None:
    answering(provider, retries)
    open_ = fix() | {"preferences": ONE | {"redaction": "off"}}
    with pytest.raises(InvalidRequest, match=r"preferences\.redaction must not be off"):
        await world.submit(**open_)
    await tune(world.parts, world.tenant_id, RoutingConfig(redaction=RedactionRule.OPTIONAL))
    for fields, hidden in ((open_, False), (fix(), True)):
        task_id = await world.submit(**fields)
        await work(process, task_id)
        assert (SECRET not in prompts(provider)[-1]) is hidden
        assert (await result_of(world, task_id))["files"][0]["content"] == CHANGED
        assert bool((await result_of(world, task_id))["verification"]["notices"]) is hidden


async def test_a_kept_answer_holds_no_secret_and_brings_each_task_its_own(
    world: World, process: Process, provider: Canned
) -> None:
    said = "My password is {}, remember it."
    answering(provider, lambda prompt: said.format(PLACEHOLDER.findall(prompt)[0]))
    chat = {"prompt": f'password = "{SECRET}"'}
    asked = {"kind": "chat", "context": chat, "preferences": ONE | {"cache": "use"}}
    async with overheard(world) as heard:
        tasks = [await world.submit(**asked) for _ in range(2)]
        for task_id in tasks:
            await work(process, task_id)
    assert [(await result_of(world, task_id))["text"] for task_id in tasks] == [said.format(SECRET)] * 2
    assert len(provider.asked) == 1
    assert "My pass" in "".join(heard)
    assert SECRET not in "".join(heard)
    await check(world)


async def test_a_streamed_answer_brings_no_secret_into_redis_and_all_of_it_to_its_client(
    world: World, process: Process, provider: Canned
) -> None:
    said = "My password is {}, remember it."
    answering(provider, lambda prompt: said.format(PLACEHOLDER.findall(prompt)[0]))
    provider.rest = 0.02
    context = {"prompt": f'password = "{SECRET}"', "stream": True}
    task_id = await world.submit(kind="chat", context=context, preferences=ONE)
    async with overheard(world) as heard, watch(world.parts) as watcher:
        following = follow(world.parts, watcher, world.tenant_id, task_id, 10)
        hearing = asyncio.create_task(_collected(following))
        await asyncio.gather(work(process, task_id), hearing)
    assert "".join(part.text for part in hearing.result() if isinstance(part, Delta)) == said.format(SECRET)
    assert (await result_of(world, task_id))["text"] == said.format(SECRET)
    assert "My pass" in "".join(heard)
    assert SECRET not in "".join(heard)


async def _collected(parts: AsyncIterator[Any]) -> list[Any]:
    return [each async for each in parts if each]


@asynccontextmanager
async def overheard(world: World) -> AsyncIterator[list[str]]:
    """Every command that Redis is sent meanwhile: keys, streams, messages of Celery and what Flower sees."""
    heard: list[str] = []
    async with Redis.from_url(world.parts.config.broker_url or "") as redis, redis.monitor() as monitor:

        async def listen() -> None:
            async for command in monitor.listen():
                heard.append(str(command))
                if "the end of the scene" in heard[-1]:
                    return

        listening = asyncio.create_task(listen())
        try:
            yield heard
        finally:
            async with Redis.from_url(world.parts.config.broker_url or "") as other:
                await other.echo("the end of the scene")
            await asyncio.wait_for(listening, 10)


def everything(canaries: dict[str, str]) -> list[dict[str, Any]]:
    """Tasks with a secret of its own in every field that takes free text."""
    shared = {
        "metadata": {"note": canaries["metadata"]},
        "labels": [canaries["labels"]],
        "user_id": canaries["user_id"],
        "session_id": canaries["session_id"],
        "preferences": ONE,
    }
    coding = {
        "description": f"Use {canaries['description']} here.",
        "acceptance_criteria": [canaries["criteria"]],
        "specifications": {side: canaries[side] for side in ("business", "functional", "technical", "ux")},
        "constraints": {"style": canaries["style"]},
        "files": [{"path": "settings.py", "content": SETTINGS + f'x = "{canaries["content"]}"\n'}],
    }
    bug = coding | {"error_report": f"failed: {canaries['error_report']}", "logs": canaries["logs"]}
    diff = f'--- a/a.py\n+++ b/a.py\n@@ -1 +1,2 @@\n x = 1\n+y = "{canaries["diff"]}"\n'
    chat = {"messages": [{"role": "system", "content": canaries["system"]},
                         {"role": "user", "content": canaries["user"]}]}  # fmt: skip
    return [
        shared | {"kind": "fix_bug", "context": bug},
        shared | {"kind": "generate_code", "context": coding},
        shared | {"kind": "review_code", "context": {"description": canaries["review"], "diff": diff}},
        shared | {"kind": "chat", "context": chat},
    ]


FIELDS = (
    "metadata", "labels", "user_id", "session_id", "description", "criteria", "business", "functional",
    "technical", "ux", "style", "content", "error_report", "logs", "diff", "system", "user", "review",
)  # fmt: skip


def echo(prompt: str) -> str:
    """An answer with all that was hidden in it; as code it is refused, for reasons that name it."""
    hidden = PLACEHOLDER.findall(prompt)
    return "\n".join(hidden) + "\n\n" + edit(f"{hidden[0]}.py", "NOT THERE\n", "x\n")


async def test_a_canary_in_every_field_comes_back_and_is_found_nowhere_else(
    world: World, process: Process, provider: Canned, capfd: pytest.CaptureFixture[str]
) -> None:
    canaries = {name: "ghp" + "_" + lot(f"canary-{name}", 36) for name in FIELDS}
    answering(provider, echo)
    ids = []
    async with overheard(world) as heard:
        for task in everything(canaries):
            ids.append(await world.submit(**task))
        publisher = Publisher(world.parts.config.broker_url or "")
        assert await dispatch(world.parts, Board(publisher)) == len(ids)
        publisher.close()
        for task_id in ids:
            await work(process, task_id)
    assert len(await world.rows("SELECT DISTINCT task_id FROM calls")) == len(ids)
    chat = await result_of(world, ids[-1])
    assert canaries["system"] in chat["text"]
    assert canaries["user"] in chat["text"]
    seen = {
        "provider": b"".join(provider.asked).decode(),
        "redis": "".join(heard),
        "log": "".join(capfd.readouterr()),
        "metrics": telemetry.figures({}).decode(),
        "errors": str([(await world.task(task_id)).error for task_id in ids]),
    }
    assert "[secret hidden]" in seen["errors"]
    assert str(ids[0]) in seen["redis"]
    assert str(ids[0]) in seen["log"]
    for table in set(TABLES) - set(KEPT):
        seen[table] = "".join(await told(world, table))
    seen["answers"] = "".join(await told(world, "call_answers"))
    secrets = canaries | {"password": SECRET, "address": ADDRESS}
    assert {(place, name) for place in seen for name in secrets if secrets[name] in seen[place]} == set()
    await check(world)


async def told(world: World, table: str) -> list[str]:
    return [row.row for row in await world.rows(f"SELECT CAST(t.* AS text) AS row FROM {table} AS t")]
