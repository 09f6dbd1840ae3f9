"""`python -m ops.bench.workload`: each strategy on the real product, against a single premium provider.

2,000 tasks of mixed kinds go over HTTP through API, dispatcher and worker to the simulator, which plays six
models of three vendors on their own wires. Money is what the ledger says, by today's price list, and is held
against the simulator's own bill. How quick a model is and how often its first answer needs mending is set
in `PROVIDERS`: assumptions, equal for all strategies, and no measurement of anybody's service. In a last
run the provider that is asked most dies in the middle. Exit 1 where an answer misses its goal.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
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
from schemas.routing import Strategy

HOST: Final = "127.0.0.1"
PREMIUM: Final = "premium"
SAVED: Final = 0.30
EVEN: Final = 0.01
ERRORS: Final = 0.01
FAILOVER: Final = 5.0
EQUAL: Final = 0.005
"""Success is equal within half a percent."""
_CELERY: Final = (
    "-A workers worker --pool threads --without-gossip --without-mingle -l warning -n bench@%h -c 200"
)
_PATHS: Final = {
    Wire.OPENAI_CHAT: "/openai/v1",
    Wire.ANTHROPIC_MESSAGES: "/anthropic",
    Wire.GEMINI: "/gemini/v1beta",
}
_TASKS: Final = """
    SELECT extract(epoch FROM created_at)::float8, extract(epoch FROM finished_at)::float8, status,
        (SELECT provider FROM calls WHERE task_id = tasks.id ORDER BY id LIMIT 1),
        (SELECT count(*) FROM calls WHERE task_id = tasks.id),
        (SELECT coalesce(sum(amount_nanos), 0)::bigint FROM ledger WHERE task_id = tasks.id),
        (SELECT min(extract(epoch FROM ended_at))::float8 FROM calls
            WHERE task_id = tasks.id AND status = 'failed')
    FROM tasks
"""


class Played(NamedTuple):
    """A provider: who it is, its first byte in milliseconds, the share of its answers that need mending."""

    vendor: Vendor
    wire: Wire
    model: str
    latency: int
    flawed: float


PROVIDERS: Final = {
    PREMIUM: Played(Vendor.ANTHROPIC, Wire.ANTHROPIC_MESSAGES, "claude-opus-4-5", 900, 0.03),
    "sonnet": Played(Vendor.ANTHROPIC, Wire.ANTHROPIC_MESSAGES, "claude-sonnet-5-5", 600, 0.05),
    "gpt": Played(Vendor.OPENAI, Wire.OPENAI_CHAT, "gpt-5", 700, 0.04),
    "pro": Played(Vendor.GOOGLE, Wire.GEMINI, "gemini-2.5-pro", 600, 0.05),
    "mini": Played(Vendor.OPENAI, Wire.OPENAI_CHAT, "gpt-5-mini", 350, 0.08),
    "flash": Played(Vendor.GOOGLE, Wire.GEMINI, "gemini-2.5-flash", 250, 0.10),
}
"""In the operator's order: the dearest first, which is the hardest for `balanced`."""


@dataclass(frozen=True)
class Run:
    """One line of the table; `dies`: this provider is down from the middle on."""

    name: str
    strategy: Strategy
    providers: tuple[str, ...] = tuple(PROVIDERS)
    dies: str | None = None


class Seen(NamedTuple):
    """What a run left in the database; `billed` is the simulator's own bill in nano-dollars."""

    tasks: Sequence[Any]
    billed: int

    @property
    def nanos(self) -> int:
        """What the ledger says."""
        return sum(row[5] for row in self.tasks)

    @property
    def good(self) -> float:
        """The share of tasks that succeeded."""
        return Counter(row[2] for row in self.tasks)["succeeded"] / len(self.tasks)

    @property
    def firsts(self) -> Counter[str]:
        """Which provider was asked first, by tasks."""
        return Counter(row[3] for row in self.tasks)


def main() -> int:
    """Run all, print the table and the answers."""
    options = argparse.ArgumentParser(prog="python -m ops.bench.workload", description=__doc__)
    options.add_argument("--tasks", type=int, default=2_000)
    options.add_argument("--pace", type=float, default=20.0, help="tasks a second")
    given = options.parse_args()
    console = Console(highlight=False, width=140)
    runs = [Run(f"{PREMIUM} alone", Strategy.FIXED, (PREMIUM,)), *(Run(str(each), each) for each in Strategy)]
    with (
        tempfile.TemporaryDirectory(prefix="workload-") as home,
        stage(_open_to_all(home) / "data", lambda _line: None) as made,
    ):
        seen: dict[str, Seen] = {}
        for run in runs:
            with made.scene(latency=0) as scene:
                seen[run.name] = _played(scene, run, given.tasks, given.pace)
        leader = seen["balanced"].firsts.most_common(1)[0][0]
        killed = Run(f"{leader} dies", Strategy.BALANCED, dies=leader)
        with made.scene(latency=0) as scene:
            seen[killed.name] = _played(scene, killed, given.tasks, given.pace)
    console.print(_table(seen))
    answered = _answers(seen, killed)
    for text, good in answered:
        console.print(f"{'met   ' if good else 'MISSED'} {text}")
    return 0 if all(good for _, good in answered) else 1


def _open_to_all(home: str) -> Path:
    Path(home).chmod(0o755)
    return Path(home)


def _played(scene: Scene, run: Run, tasks: int, pace: float) -> Seen:
    key = asyncio.run(_configured(scene, run))
    url = f"http://{HOST}:{(port := free_port())}"
    scene.start("api", "orchestrator.server", "--port", str(port))
    scene.start("dispatcher", "orchestrator.dispatcher")
    scene.start("worker", "celery", *_CELERY.split())
    scene.until(lambda: answers(f"{url}/readyz"), "the API is ready")
    scene.until(lambda: scene.rows("SELECT 1 FROM workers"), "the worker is enlisted")
    asyncio.run(_load(scene, run, tasks, pace, url, key))
    ended = "SELECT count(*) FROM tasks WHERE finished_at IS NULL"
    scene.until(lambda: scene.rows(ended)[0][0] == 0, "every task has ended", 120)
    bill = fetched(f"{scene.simulator_url}/simulator/bill")
    return Seen(scene.rows(_TASKS), int(bill["total"]["nano_dollars"]))


async def _configured(scene: Scene, run: Run) -> str:
    config = Config(database_url=scene.database_url, broker_url=scene.stack.broker_url)
    async with open_parts(config, "bench") as parts:
        given = tuple(_provider(scene, name) for name in run.providers)
        made = await configure(parts, "default", given)
        return await bootstrap_key(parts, made.tenant_id) or ""


def _provider(scene: Scene, name: str) -> ProviderSetting:
    played = PROVIDERS[name]
    return ProviderSetting(
        name=name,
        vendor=played.vendor,
        wire=played.wire,
        base_url=f"{scene.simulator_url}/accounts/{name}{_PATHS[played.wire]}",
        model=played.model,
        credential="env:ORCHESTRATOR_SIMULATOR_KEY",
        simulated=True,
    )


def _rules(dead: str | None = None) -> list[dict[str, Any]]:
    """Latency and flaws of every provider, drawn alike in every run."""
    rules: list[dict[str, Any]] = [{"match": {"account": dead}, "fault": "503"}] if dead else []
    for seed, (name, played) in enumerate(PROVIDERS.items()):
        usual = {"match": {"account": name}, "latency_ms": played.latency}
        rules += [usual | {"persona": "syntax_error", "probability": played.flawed, "seed": seed}, usual]
    return rules


def _bodies(strategy: Strategy) -> tuple[bytes, ...]:
    """One task of each kind, in the proportion 4 : 3 : 2 : 1."""
    files = [{"path": path, "content": content} for path, content in inputs.CALC.items()]
    generate = {"kind": "generate_code", "context": {"description": inputs.SLUGIFY}}
    fix = {"kind": "fix_bug", "context": {"description": inputs.BUG, "files": files}}
    added = [f"+{line}" for line in inputs.ORDERS_CHANGED.removeprefix(inputs.ORDERS).splitlines()]
    start = len(inputs.ORDERS.splitlines())
    hunk = [f"@@ -{start},0 +{start + 1},{len(added)} @@", *added]
    diff = "\n".join(["--- a/shop/orders.py", "+++ b/shop/orders.py", *hunk, ""])
    review = {"kind": "review_code", "context": {"diff": diff}}
    chat = {"kind": "chat", "context": {"prompt": "Which lock order keeps two workers from a deadlock?"}}
    mixed = (*[generate] * 4, *[fix] * 3, *[review] * 2, chat)
    wishes = {"preferences": {"strategy": strategy}}
    return tuple(orjson.dumps(each | wishes) for each in mixed)


async def _load(scene: Scene, run: Run, tasks: int, pace: float, url: str, key: str) -> None:
    rules, bodies = f"{scene.simulator_url}/simulator/rules", _bodies(run.strategy)
    async with (
        httpx.AsyncClient(headers=asks.headers(key), trust_env=False, timeout=30) as http,
        asyncio.TaskGroup() as clients,
    ):
        (await http.put(rules, json=_rules())).raise_for_status()
        began = time.monotonic()
        for number in range(tasks):
            await asyncio.sleep(max(0.0, began + number / pace - time.monotonic()))
            if run.dies and number == tasks // 2:
                await http.put(rules, json=_rules(run.dies))
            clients.create_task(_submit(http, f"{url}{asks.PATH}", bodies[number % len(bodies)]))


async def _submit(http: httpx.AsyncClient, url: str, body: bytes) -> None:
    (await http.post(url, content=body)).raise_for_status()


def _table(seen: dict[str, Seen]) -> Table:
    table = Table("", "cost", "saved", "succeeded", "calls / task", "p50", "p95", "asked first")
    base = next(iter(seen.values())).nanos
    for name, run in seen.items():
        took = [row[1] - row[0] for row in run.tasks]
        middle, late = (quantiles(took, n=20)[index] for index in (9, 18))
        firsts = ", ".join(f"{who} {count}" for who, count in run.firsts.most_common())
        calls = sum(row[4] for row in run.tasks) / len(run.tasks)
        money = f"${run.nanos / NANOS_PER_DOLLAR:.3f}", f"{1 - run.nanos / base:.0%}"
        table.add_row(
            name, *money, f"{run.good:.2%}", f"{calls:.2f}", f"{middle:.2f} s", f"{late:.2f} s", firsts
        )
    return table


def _answers(seen: dict[str, Seen], killed: Run) -> list[tuple[str, bool]]:
    """What was to be shown, and whether it was."""
    alone, balanced, died = next(iter(seen.values())), seen["balanced"], seen[killed.name]
    saved = 1 - balanced.nanos / alone.nanos
    firsts = seen["round_robin"].firsts
    even = len(seen["round_robin"].tasks) / len(PROVIDERS)
    off = max(abs(firsts[name] - even) / even for name in PROVIDERS)
    late = max((row[1] - row[6] for row in died.tasks if row[6] and row[2] == "succeeded"), default=0.0)
    errors = 1 - died.good
    unbilled = [name for name, run in seen.items() if run.nanos < run.billed]
    return [
        (
            f"balanced saves {saved:.0%} (≥ {SAVED:.0%}), success {balanced.good:.2%} to {alone.good:.2%}",
            saved >= SAVED and balanced.good >= alone.good - EQUAL,
        ),
        (f"round robin is even within {off:.2%} (≤ {EVEN:.0%})", off <= EVEN),
        (f"with {killed.dies} dead {errors:.2%} of the tasks failed (< {ERRORS:.0%})", errors < ERRORS),
        (f"its tasks were done elsewhere within {late:.2f} s (< {FAILOVER:g})", 0 < late < FAILOVER),
        (
            f"the ledger covers the simulator's bill{' but in ' + ', '.join(unbilled) if unbilled else ''}",
            not unbilled,
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
