"""What each strategy would cost: `python -m ops.bench.routing [--tasks 2000] [--seed 1]`.

A replay without processes, database or network: 2,000 tasks of mixed kinds and sizes go through the
product's own `route`, with the catalogue and today's price list. A call's money is exact for its tokens.
Whether an answer is usable and how long it takes is drawn from `ASSUMED`: assumptions by class of model,
the same for every strategy, and no measurement of anybody's service. A call whose answer is unusable is paid,
and the next candidate is asked, four calls at most, as the product does. What was drawn comes back as
history every 100 tasks. So the table compares strategies under equal assumptions; it says nothing about how
good a model is.
"""

import argparse
import random
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import datetime
from statistics import mean, quantiles
from typing import Any, Final, NamedTuple
from uuid import UUID

from orchestrator import clock
from orchestrator.catalogue import prices
from orchestrator.flow.fit import Terms
from orchestrator.flow.rank import Chance
from orchestrator.flow.route import route
from schemas.calls import NANOS_PER_DOLLAR, Usage
from schemas.providers import Provider, Vendor, Wire
from schemas.routing import Offer, Record, RoutingConfig, Strategy
from schemas.tasks import TASK_REQUEST, TaskRequest

MOST_CALLS: Final = 4
REMEMBERED: Final = 50
REFRESH: Final = 100
PREMIUM: Final = "premium"


class Assumed(NamedTuple):
    """Share of calls with a usable answer, seconds to the first token, output tokens a second."""

    usable: float
    wait: float
    pace: float


MODELS: Final = {
    PREMIUM: (Vendor.OPENAI, "gpt-6-astra", Assumed(0.97, 6.0, 60.0)),
    "sol": (Vendor.OPENAI, "gpt-6.1-sol", Assumed(0.96, 4.0, 80.0)),
    "opus": (Vendor.ANTHROPIC, "claude-opus-5-5", Assumed(0.96, 4.0, 70.0)),
    "sonnet": (Vendor.ANTHROPIC, "claude-sonnet-5-5", Assumed(0.94, 2.5, 90.0)),
    "flash": (Vendor.GOOGLE, "gemini-3.8-flash", Assumed(0.94, 2.0, 150.0)),
    "luna": (Vendor.OPENAI, "gpt-6-luna", Assumed(0.90, 1.0, 180.0)),
}
"""The providers in the operator's order: the dearest first, which is the hardest for `balanced`."""


class Task(NamedTuple):
    """One task: its request, its size, and the tokens that any model would answer with."""

    request: TaskRequest
    input_tokens: int
    output_tokens: int


@dataclass
class Sums:
    """What came out under one strategy."""

    nanos: int = 0
    succeeded: int = 0
    calls: int = 0
    seconds: list[float] = field(default_factory=list)
    firsts: Counter[str] = field(default_factory=Counter)


def workload(count: int, seed: int) -> list[Task]:
    """Mixed kinds; inputs of 500 to 60,000 tokens, outputs of 200 to 8,000, most of them small."""
    draw = random.Random(seed)
    requests = [_request(kind) for kind in ("generate_code", "fix_bug", "review_code")]
    return [
        Task(
            draw.choices(requests, (4, 3, 3))[0],
            min(60_000, max(500, round(draw.lognormvariate(8.2, 1.0)))),
            min(8_000, max(200, round(draw.lognormvariate(7.2, 0.7)))),
        )
        for _ in range(count)
    ]


def replay(tasks: list[Task], names: list[str], strategy: Strategy, seed: int, now: datetime) -> Sums:
    """The tasks one after the other at these providers."""
    draw, sums = random.Random(seed), Sums()
    seen = {name: deque[tuple[bool, float, int]](maxlen=REMEMBERED) for name in names}
    offers = [_offer(position, name) for position, name in enumerate(names)]
    config = RoutingConfig(strategy=strategy)
    for turn, task in enumerate(tasks):
        if turn % REFRESH == 0:
            offers = [replace(each, record=_record(seen[each.provider.name])) for each in offers]
        chance = Chance(turn, draw.random())
        found = route(task.request, offers, Terms(config, task.input_tokens, now, chance))
        order = [each.name for each in found.candidates]
        sums.firsts[order[0]] += 1
        _run(task, order, sums, seen, draw, now)
    return sums


def _run(
    task: Task,
    order: list[str],
    sums: Sums,
    seen: dict[str, deque[tuple[bool, float, int]]],
    draw: random.Random,
    now: datetime,
) -> None:
    usage = Usage(input_tokens=task.input_tokens, output_tokens=task.output_tokens)
    took = 0.0
    for attempt in range(MOST_CALLS):
        name = order[attempt % len(order)]
        vendor, model, assumed = MODELS[name]
        seconds = draw.uniform(0.7, 1.3) * (assumed.wait + task.output_tokens / assumed.pace)
        usable = draw.random() < assumed.usable
        took += seconds
        sums.calls += 1
        sums.nanos += prices.cost(vendor, model, None, usage, now).nanos
        seen[name].append((usable, seconds, task.output_tokens))
        if usable:
            sums.succeeded += 1
            break
    sums.seconds.append(took)


def _record(seen: deque[tuple[bool, float, int]]) -> Record:
    good = [each for each in seen if each[0]]
    if not good:
        return Record(len(seen), 0)
    return Record(len(seen), len(good), mean(each[1] for each in good), mean(float(each[2]) for each in good))


def _offer(position: int, name: str) -> Offer:
    vendor, model, _ = MODELS[name]
    provider = Provider(
        id=UUID(int=position + 1),
        name=name,
        vendor=vendor,
        wire=Wire.OPENAI_CHAT,
        base_url="http://nowhere",
        model=model,
        credential="none",
    )
    return Offer(provider, paused=False, position=position)


def _request(kind: str) -> TaskRequest:
    context: dict[str, Any] = {"description": "a task of the workload"}
    if kind == "review_code":
        context = {"diff": "@@ -1 +1 @@\n-a\n+b\n"}
    if kind == "fix_bug":
        context["files"] = [{"path": "a.py", "content": "x"}]
    return TASK_REQUEST.validate_python({"kind": kind, "context": context})


def table(count: int, seed: int) -> list[tuple[str, Sums]]:
    """The single premium provider, then each strategy over all providers."""
    tasks, now = workload(count, seed), clock.now()
    rows = [(f"{PREMIUM} alone", replay(tasks, [PREMIUM], Strategy.FIXED, seed, now))]
    rows += [(str(each), replay(tasks, list(MODELS), each, seed, now)) for each in Strategy]
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--tasks", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rows = table(given.tasks, given.seed)
    base = rows[0][1].nanos
    print(f"{given.tasks} tasks, seed {given.seed}; prices of {clock.now():%Y-%m-%d}; outcomes are assumed\n")
    print(f"{'':<14} {'cost':>9} {'saved':>6} {'good':>7} {'calls':>6} {'p50':>6} {'p95':>6}  first asked")
    for name, sums in rows:
        middle, late = (quantiles(sums.seconds, n=20)[index] for index in (9, 18))
        firsts = ", ".join(f"{first} {number}" for first, number in sums.firsts.most_common())
        print(
            f"{name:<14} ${sums.nanos / NANOS_PER_DOLLAR:>8.2f} {1 - sums.nanos / base:>6.0%}"
            f" {sums.succeeded / given.tasks:>7.2%} {sums.calls / given.tasks:>6.2f}"
            f" {middle:>5.1f}s {late:>5.1f}s  {firsts}"
        )


if __name__ == "__main__":
    main()
