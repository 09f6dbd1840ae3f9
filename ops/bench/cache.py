"""`python -m ops.bench.cache`: a repeated workload on the real product, with the cache of answers.

Questions, reviews and changes are asked again and again over HTTP, some much more often than others, through
API, dispatcher and worker to the simulator. Then another tenant asks each once, and the first one asks the
questions in other words. A hit has to have cost nothing and to have served just the tokens that its call once
took; what the ledger says is held against the simulator's own bill. Exit 1 where an answer misses its goal.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import httpx
import orjson
from rich.console import Console
from rich.table import Table

from ops.bench import asks
from ops.bench.stage import Scene, answers, fetched, stage
from orchestrator.auth import bootstrap_key
from orchestrator.cli.demo import inputs
from orchestrator.config import Config
from orchestrator.embedded.directory import free_port
from orchestrator.flow.configure import ProviderSetting, configure
from orchestrator.wiring import open_parts
from schemas.calls import NANOS_PER_DOLLAR
from schemas.providers import Vendor, Wire

HOST: Final = "127.0.0.1"
RATE: Final = 0.60
LIKENESS: Final = 0.9
REPEATED, STRANGER, REWORDED = "repeated", "another tenant", "in other words"
_SEED: Final = 5
_AT_ONCE: Final = 4
_CONFIG_SECONDS: Final = 1.5
"""A worker knows of a new configuration after a second."""
_SUBJECTS: Final = (
    "the lease of a worker that stopped renewing it",
    "open holds on several hard budget windows",
    "nudges waiting inside that broker's small queue",
    "half-open circuits before some slow vendor",
    "children belonging to one undecided consensus",
)
_EVENTS: Final = (
    "somebody pulls its only power cord",
    "Redis loses everything it had kept",
    "Postgres restarts immediately after committing",
    "our deadline has passed long ago",
)
_MOST: Final = 60
"""So many questions there are."""
_CELERY: Final = (
    "-A workers worker --pool threads --without-gossip --without-mingle -l warning -n bench@%h -c 50"
)
_TASKS: Final = """
    SELECT t.labels[1], t.status, t.served_tokens, coalesce(c.calls, 0), coalesce(c.others, 0),
        (SELECT coalesce(sum(amount_nanos), 0)::bigint FROM ledger WHERE task_id = t.id),
        coalesce(c.tokens, 0), t.labels[2],
        (SELECT data ->> 'entry' FROM events WHERE task_id = t.id AND name = 'task.served_from_cache')
    FROM tasks AS t LEFT JOIN LATERAL (
        SELECT count(*) AS calls, count(*) FILTER (WHERE purpose <> 'lookup') AS others,
            sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0))::bigint AS tokens
        FROM calls WHERE task_id = t.id
    ) AS c ON true
"""
_ENTRIES: Final = """
    SELECT entry, coalesce(input_tokens, 0) + coalesce(output_tokens, 0), tasks.labels[2]
    FROM calls JOIN tasks ON tasks.id = calls.task_id
    WHERE entry IS NOT NULL AND calls.verdict = 'accepted' ORDER BY calls.id
"""


class Row(NamedTuple):
    """What became of a task; `others` are its calls that are no look-up, `question` its number."""

    run: str
    status: str
    served: int | None
    calls: int
    others: int
    nanos: int
    tokens: int
    question: str
    entry: str | None


class Seen(NamedTuple):
    """What was left in the database, at the provider and in the cache's own counts."""

    rows: Sequence[Row]
    entries: Mapping[str, tuple[int, str]]
    requests: int
    billed: int


def main() -> int:
    """Run, print the table and the answers."""
    options = argparse.ArgumentParser(prog="python -m ops.bench.cache", description=__doc__)
    options.add_argument("--tasks", type=int, default=400)
    options.add_argument("--distinct", type=int, default=_MOST, choices=range(3, _MOST + 1), metavar="N")
    given = options.parse_args()
    console = Console(highlight=False, width=140)
    with tempfile.TemporaryDirectory(prefix="cache-") as home:
        Path(home).chmod(0o755)
        with stage(Path(home) / "data", lambda _line: None) as made, made.scene(latency=0.2) as scene:
            seen = _played(scene, given.tasks, given.distinct)
    console.print(_table(seen))
    answered = _answers(seen)
    for text, good in answered:
        console.print(f"{'met   ' if good else 'MISSED'} {text}")
    return 0 if all(good for _, good in answered) else 1


def _played(scene: Scene, tasks: int, distinct: int) -> Seen:
    mine, others = asyncio.run(_configured(scene))
    url = f"http://{HOST}:{(port := free_port())}"
    scene.start("api", "orchestrator.server", "--port", str(port))
    scene.start("dispatcher", "orchestrator.dispatcher")
    scene.start("worker", "celery", *_CELERY.split())
    scene.until(lambda: answers(f"{url}/readyz"), "the API is ready")
    scene.until(lambda: scene.rows("SELECT 1 FROM workers"), "the worker is enlisted")
    before = scene.at_provider()["finished"]
    asyncio.run(_load(url, mine, others, tasks, distinct))
    left = "SELECT count(*) FROM tasks WHERE finished_at IS NULL"
    scene.until(lambda: scene.rows(left)[0][0] == 0, "every task has ended", 120)
    bill = fetched(f"{scene.simulator_url}/simulator/bill")
    entries = {entry: (int(tokens), question) for entry, tokens, question in scene.rows(_ENTRIES)}
    requests = scene.at_provider()["finished"] - before
    return Seen(
        [Row(*row) for row in scene.rows(_TASKS)], entries, requests, int(bill["total"]["nano_dollars"])
    )


async def _configured(scene: Scene) -> tuple[str, str]:
    """The keys of two tenants, each with a provider of its own at the same endpoint."""
    config = Config(database_url=scene.database_url, broker_url=scene.stack.broker_url)
    provider = ProviderSetting(
        name="gpt",
        vendor=Vendor.OPENAI,
        wire=Wire.OPENAI_CHAT,
        base_url=f"{scene.simulator_url}/openai/v1",
        model="gpt-5-mini",
        credential="env:ORCHESTRATOR_SIMULATOR_KEY",
        simulated=True,
    )
    async with open_parts(config, "bench") as parts:
        keys = []
        for name in ("default", "other"):
            made = await configure(parts, name, (provider,))
            keys.append(await bootstrap_key(parts, made.tenant_id) or "")
        return keys[0], keys[1]


async def _load(url: str, mine: str, others: str, tasks: int, distinct: int) -> None:
    """The three runs, one after the other; a few clients wait for each answer before they ask again."""
    draw = Random(_SEED)
    often = [1 / (rank + 1) for rank in range(distinct)]
    asked = [_body(REPEATED, number) for number in range(distinct)]
    asked += [_body(REPEATED, number) for number in draw.choices(range(distinct), often, k=tasks - distinct)]
    draw.shuffle(asked)
    await _ask(url, mine, asked)
    await _ask(url, others, [_body(STRANGER, number) for number in range(distinct)])
    async with httpx.AsyncClient(headers=asks.headers(mine), trust_env=False, timeout=30) as http:
        similar = {"similar": {"provider": "gpt", "likeness": LIKENESS}}
        (await http.put(f"{url}/api/v1/config", json=similar)).raise_for_status()
    await asyncio.sleep(_CONFIG_SECONDS)
    chats = [number for number in range(distinct) if _is_chat(number)]
    # What is to be found by likeness was asked by somebody who wanted that.
    await _ask(url, mine, [_body("asked for it", number, cache="similar", fresh=True) for number in chats])
    await _ask(url, mine, [_body(REWORDED, number, cache="similar", reworded=True) for number in chats])


async def _ask(url: str, key: str, bodies: Sequence[bytes]) -> None:
    left = list(reversed(bodies))

    async def client(http: httpx.AsyncClient) -> None:
        while left:
            response = await http.post(f"{url}{asks.PATH}", content=left.pop(), headers={"Prefer": "wait=30"})
            response.raise_for_status()

    async with (
        httpx.AsyncClient(headers=asks.headers(key), trust_env=False, timeout=60) as http,
        asyncio.TaskGroup() as clients,
    ):
        for _ in range(_AT_ONCE):
            clients.create_task(client(http))


def _is_chat(number: int) -> bool:
    return number % 3 == 0


def _body(run: str, number: int, *, cache: str = "use", reworded: bool = False, fresh: bool = False) -> bytes:
    """One of the questions, reviews and changes, by its number."""
    if _is_chat(number):
        asked: dict[str, Any] = {"kind": "chat", "context": {"prompt": _question(number, reworded, fresh)}}
    elif number % 3 == 1:
        path = f"shop/total_{number}.py"
        added = f"+    total = {number}\n+    return total\n"
        diff = f"--- a/{path}\n+++ b/{path}\n@@ -1,1 +1,3 @@\n def total():\n{added}"
        asked = {"kind": "review_code", "context": {"diff": diff}}
    else:
        description = f"{inputs.SLUGIFY} Words are joined by {number + 1} dashes."
        asked = {"kind": "generate_code", "context": {"description": description}}
    wishes = {"cache": cache, "verifier": False}
    return orjson.dumps(asked | {"preferences": wishes, "labels": [run, f"~{number}"]})


def _question(number: int, reworded: bool, fresh: bool) -> str:
    """Two questions share no more than half of their words, two wordings of one nearly all."""
    which = number // 3
    subject, event = _SUBJECTS[which % len(_SUBJECTS)], _EVENTS[which // len(_SUBJECTS) % len(_EVENTS)]
    asked = "please explain to me" if reworded else "explain to me" if fresh else "explain"
    return f"{asked} {subject} if {event}.".capitalize()


def _table(seen: Seen) -> Table:
    table = Table("run", "tasks", "hits", "hit rate", "calls", "look-ups", "cost", "tokens paid", "served")
    by_run: dict[str, list[Row]] = defaultdict(list)
    for row in seen.rows:
        by_run[row.run].append(row)
    for run, rows in by_run.items():
        hits = sum(row.served is not None for row in rows)
        calls, looked = sum(row.others for row in rows), sum(row.calls - row.others for row in rows)
        money = f"${sum(row.nanos for row in rows) / NANOS_PER_DOLLAR:.6f}"
        counted = (len(rows), hits, f"{hits / len(rows):.1%}", calls, looked, money)
        paid, served = sum(row.tokens for row in rows), sum(row.served or 0 for row in rows)
        table.add_row(run, *map(str, counted), f"{paid:,}", f"{served:,}")
    return table


def _answers(seen: Seen) -> list[tuple[str, bool]]:
    """What was to be shown, and whether it was."""
    rows = {run: [row for row in seen.rows if row.run == run] for run in (REPEATED, STRANGER, REWORDED)}
    hits = {run: [row for row in each if row.served is not None] for run, each in rows.items()}
    rate = len(hits[REPEATED]) / len(rows[REPEATED])
    paid = [row for row in hits[REPEATED] if row.calls or row.nanos or row.tokens]
    every = [row for each in hits.values() for row in each]
    off = [row for row in every if seen.entries.get(row.entry or "", (0, ""))[0] != row.served]
    wrong = [row for row in every if seen.entries.get(row.entry or "", (0, ""))[1] != row.question]
    looked = [row for row in hits[REWORDED] if row.others or row.calls != 1 or not row.nanos]
    calls, nanos = sum(row.calls for row in seen.rows), sum(row.nanos for row in seen.rows)
    failed = sum(row.status != "succeeded" for row in seen.rows)
    return [
        (f"{rate:.1%} of the repeated workload are hits (> {RATE:.0%})", rate > RATE),
        (f"{len(hits[STRANGER])} hits of another tenant (0)", not hits[STRANGER]),
        (f"{len(paid)} hits that made a call, or were booked tokens or money (0)", not paid),
        (f"{len(off)} hits that served other tokens than their call once took (0)", not off),
        (f"{len(hits[REWORDED])} of {len(rows[REWORDED])} found in other words", bool(hits[REWORDED])),
        (f"{len(wrong)} of them, or of any hits, with another question's answer (0)", not wrong),
        (f"{len(looked)} of them that cost anything but their look-up (0)", not looked),
        (f"{seen.requests} requests at the provider for {calls} booked calls", seen.requests == calls),
        (f"the ledger covers the provider's bill by {nanos - seen.billed} n$", nanos >= seen.billed),
        (f"{failed} tasks failed (0)", failed == 0),
    ]


if __name__ == "__main__":
    sys.exit(main())
