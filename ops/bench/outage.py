"""`python -m ops.bench.outage`: one of two providers dies under load and comes back; a table by second.

It asks three things: what the dead provider sees, how soon its tasks are done elsewhere, and how many
probes it takes to close the circuit. Exit 1 where an answer misses its goal.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from rich.console import Console
from rich.table import Table

from ops.bench import asks
from ops.bench.stage import Scene, answers, fetched, stage
from orchestrator.auth import bootstrap_key
from orchestrator.config import Config
from orchestrator.embedded.directory import free_port
from orchestrator.flow.configure import ProviderSetting, configure
from orchestrator.wiring import open_parts
from schemas.providers import Vendor, Wire

HOST: Final = "127.0.0.1"
LATENCY: Final = 0.2
SHARE: Final = 1.2
ELSEWHERE: Final = 5.0
_PROVIDERS: Final = {"a": (Vendor.OPENAI, "gpt-5-mini"), "b": (Vendor.CUSTOM, "gpt-4.1-mini")}
_CELERY: Final = "-A workers worker --pool threads --without-gossip --without-mingle -l warning -c 50"
_TASKS: Final = """
    SELECT extract(epoch FROM created_at)::float8, extract(epoch FROM finished_at)::float8, status,
        (SELECT provider FROM calls WHERE task_id = tasks.id AND verdict = 'accepted'),
        (SELECT min(extract(epoch FROM ended_at))::float8 FROM calls
            WHERE task_id = tasks.id AND status = 'failed')
    FROM tasks
"""
_MOVES: Final = """
    SELECT extract(epoch FROM at)::float8, state, reason FROM gate_transitions
    WHERE kind = 'circuit' ORDER BY at
"""


@dataclass(frozen=True)
class Plan:
    """A run: tasks a second, and the seconds at which the provider dies, comes back, and the load ends."""

    pace: float = 15.0
    dies: float = 10.0
    returns: float = 25.0
    ends: float = 50.0
    workers: int = 2


@dataclass
class Seen:
    """What was found; times are epoch seconds."""

    began: float
    tasks: Sequence[Any] = ()
    moves: Sequence[Any] = ()
    requests: list[tuple[float, str, str]] = field(default_factory=list)


def main() -> int:
    """Run it, print the table and the answers."""
    options = argparse.ArgumentParser(prog="python -m ops.bench.outage", description=__doc__)
    options.add_argument("--pace", type=float, default=Plan.pace, help="tasks a second")
    given = options.parse_args()
    plan = Plan(pace=given.pace)
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="outage-") as home:
        Path(home).chmod(0o755)
        with stage(Path(home) / "data", lambda _line: None) as made, made.scene(latency=LATENCY) as scene:
            seen = _run(scene, plan)
    console.print(_table(plan, seen))
    answered = _answers(plan, seen)
    for text, good in answered:
        console.print(f"{'met   ' if good else 'MISSED'} {text}")
    return 0 if all(good for _, good in answered) else 1


def _run(scene: Scene, plan: Plan) -> Seen:
    key = asyncio.run(_configured(scene))
    url = f"http://{HOST}:{(port := free_port())}"
    scene.start("api", "orchestrator.server", "--port", str(port))
    scene.start("dispatcher", "orchestrator.dispatcher")
    for number in range(plan.workers):
        scene.start(f"worker-{number}", "celery", *_CELERY.split(), "-n", f"outage-{number}@%h")
    scene.until(lambda: answers(f"{url}/readyz"), "the API is ready")
    enlisted = "SELECT count(*) FROM workers"
    scene.until(lambda: scene.rows(enlisted)[0][0] == plan.workers, "the workers are enlisted")
    seen = Seen(time.time())
    asyncio.run(_load(scene, plan, url, key))
    ended = "SELECT count(*) FROM tasks WHERE finished_at IS NULL"
    scene.until(lambda: scene.rows(ended)[0][0] == 0, "every task has ended", 90)
    seen.tasks, seen.moves = scene.rows(_TASKS), scene.rows(_MOVES)
    after, more = 0, True
    while more:
        page = fetched(f"{scene.simulator_url}/simulator/journal?after={after}&limit=10000")
        seen.requests += [(e["received_at"], e["account"], e["outcome"]) for e in page["entries"]]
        after, more = page["next"], page["has_more"]
    return seen


async def _configured(scene: Scene) -> str:
    config = Config(database_url=scene.database_url, broker_url=scene.stack.broker_url)
    async with open_parts(config, "bench") as parts:
        given = tuple(_provider(scene, name) for name in _PROVIDERS)
        made = await configure(parts, "default", given)
        return await bootstrap_key(parts, made.tenant_id) or ""


def _provider(scene: Scene, name: str) -> ProviderSetting:
    vendor, model = _PROVIDERS[name]
    return ProviderSetting(
        name=name,
        vendor=vendor,
        wire=Wire.OPENAI_CHAT,
        base_url=f"{scene.simulator_url}/accounts/{name}/openai/v1",
        model=model,
        credential="env:ORCHESTRATOR_SIMULATOR_KEY",
        simulated=True,
    )


async def _load(scene: Scene, plan: Plan, url: str, key: str) -> None:
    """All tasks at an even pace, and the outage at its time."""
    rules = f"{scene.simulator_url}/simulator/rules"
    outage = [{"match": {"account": "a"}, "fault": "500"}]
    async with (
        httpx.AsyncClient(headers=asks.headers(key), trust_env=False, timeout=10) as http,
        asyncio.TaskGroup() as clients,
    ):
        clients.create_task(_at(plan.dies, http, rules, outage))
        clients.create_task(_at(plan.returns, http, rules, []))
        began = time.monotonic()
        for number in range(int(plan.pace * plan.ends)):
            await asyncio.sleep(max(0.0, began + number / plan.pace - time.monotonic()))
            clients.create_task(http.post(f"{url}{asks.PATH}", content=asks.BODY))


async def _at(seconds: float, http: httpx.AsyncClient, url: str, rules: list[dict[str, Any]]) -> None:
    await asyncio.sleep(seconds)
    await http.put(url, json=rules)


def _table(plan: Plan, seen: Seen) -> Table:
    table = Table("second", "offered", "seen by a", "seen by b", "done", "waiting", "circuit of a", "")
    offered = Counter(int(created - seen.began) for created, *_ in seen.tasks)
    done = Counter(int(finished - seen.began) for _, finished, *_ in seen.tasks)
    at = {name: Counter(int(t - seen.began) for t, who, _ in seen.requests if who == name) for name in "ab"}
    moves = [(moment - seen.began, state) for moment, state, _ in seen.moves]
    waiting = 0
    for second in range(max([*offered, *done]) + 1):
        waiting += offered[second] - done[second]
        states = [state for moment, state in moves if moment < second + 1]
        note = {int(plan.dies): "a dies", int(plan.returns): "a is back"}.get(second, "")
        row = (second, offered[second], at["a"][second], at["b"][second], done[second], waiting)
        table.add_row(*map(str, row), states[-1] if states else "closed", note)
    return table


def _answers(plan: Plan, seen: Seen) -> list[tuple[str, bool]]:
    """What was to be shown, and whether it was."""
    dies, returns = seen.began + plan.dies, seen.began + plan.returns
    out = sum(dies <= moment < returns for moment, who, _ in seen.requests if who == "a")
    load = sum(dies <= created < returns for created, *_ in seen.tasks)
    opens = next((moment for moment, state, _ in seen.moves if state == "open"), returns)
    early = sum(dies <= moment < opens for moment, who, _ in seen.requests if who == "a")
    offered = sum(dies <= created < opens for created, *_ in seen.tasks)
    struck = [
        finished - min(failed or created, created + LATENCY)
        for created, finished, status, provider, failed in seen.tasks
        if provider == "b" and status == "succeeded" and dies - 1 <= created < returns
    ]
    slowest = max(struck, default=0.0)
    back = [(moment, state) for moment, state, _ in seen.moves if moment > returns]
    states = [state for _, state in back]
    probes = states.index("closed") if "closed" in states else -1
    after = f"{back[probes][0] - returns:.1f} s after it came back" if probes >= 0 else "never"
    unfinished = Counter(status for _, _, status, *_ in seen.tasks if status != "succeeded")
    return [
        (
            f"the dead provider saw {out} requests of {load} offered: {out / max(1, load):.2f} × (≤ {SHARE})",
            out <= SHARE * load,
        ),
        (f"of these {early} of {offered} offered in {opens - dies:.1f} s until its circuit opened", True),
        (
            f"its {len(struck)} tasks were done elsewhere within {slowest:.2f} s (< {ELSEWHERE:g})",
            0 < slowest < ELSEWHERE,
        ),
        (f"the circuit closed {after}, by {max(0, probes)} probe", probes == 1),
        (
            f"{len(seen.tasks)} tasks, all succeeded" + (f" but {dict(unfinished)}" if unfinished else ""),
            not unfinished,
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
