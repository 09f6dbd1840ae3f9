"""`python -m ops.bench.repair`: what each round of repair is worth on the real product, and what it costs.

The same tasks of seven kinds go over HTTP through API, dispatcher and worker to the simulator's persona
`relapsing` four times, with 0 to 3 rounds allowed. Which mistake it makes in which round follows from the
task's text alone, so that every run with a seed has the same answers whatever overtakes what. How often a
real model errs is an assumption here; what the rounds make of it is not. Money is what the ledger says.
Exit 1 where rounds gain nothing, a task without rounds was mended, or the bill is not covered.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

import httpx
import orjson
from rich.console import Console
from rich.table import Table

from ops.bench import asks
from ops.bench.product import Product
from ops.bench.stage import Scene, fetched, stage
from orchestrator.cli.demo import inputs
from schemas.calls import NANOS_PER_DOLLAR
from schemas.tasks import MAX_REPAIRS, TASK_REQUEST

AT_ONCE: Final = 8
SLOTS: Final = 16
_PARITY: Final = "def is_even(number):\n    if number % 2 == 0:\n        return True\n    return False\n"
_TASKS: Final = """
    SELECT status, extract(epoch FROM finished_at - created_at)::float8,
        (SELECT count(*) FROM calls WHERE task_id = tasks.id),
        (SELECT count(*) FROM calls WHERE task_id = tasks.id AND purpose = 'repair'),
        (SELECT coalesce(sum(input_tokens + output_tokens), 0)::bigint FROM calls WHERE task_id = tasks.id),
        (SELECT coalesce(sum(amount_nanos), 0)::bigint FROM ledger WHERE task_id = tasks.id)
    FROM tasks ORDER BY id
"""


class Seen(NamedTuple):
    """What a run left in the database; `billed` is the simulator's own bill in nano-dollars."""

    tasks: Sequence[Any]
    billed: int

    @property
    def good(self) -> int:
        """The tasks that succeeded."""
        return sum(row[0] == "succeeded" for row in self.tasks)

    @property
    def seconds(self) -> float:
        """The median way of a task, from its commit to its end."""
        return float(median(row[1] for row in self.tasks))

    @property
    def calls(self) -> int:
        """All calls."""
        return sum(row[2] for row in self.tasks)

    @property
    def repairs(self) -> int:
        """The calls that asked again."""
        return sum(row[3] for row in self.tasks)

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return sum(row[4] for row in self.tasks)

    @property
    def nanos(self) -> int:
        """What the ledger says."""
        return sum(row[5] for row in self.tasks)


def main() -> int:
    """Run all, print the table and the answers."""
    options = argparse.ArgumentParser(prog="python -m ops.bench.repair", description=__doc__)
    options.add_argument("--tasks", type=int, default=84)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    console = Console(highlight=False, width=120)
    seen: list[Seen] = []
    with tempfile.TemporaryDirectory(prefix="repair-") as home:
        # The embedded Postgres may run as another user.
        Path(home).chmod(0o755)
        with stage(Path(home) / "data", lambda _line: None) as made:
            for rounds in range(MAX_REPAIRS + 1):
                with made.scene(latency=0.2) as scene:
                    seen.append(_played(scene, bodies(given.tasks, given.seed, rounds)))
    console.print(table(seen))
    told = answers(seen)
    for text, good in told:
        console.print(f"{'met   ' if good else 'MISSED'} {text}")
    return 0 if all(good for _, good in told) else 1


def bodies(tasks: int, seed: int, rounds: int) -> list[bytes]:
    """The tasks, kind after kind; only how often they may be asked again differs between two runs."""
    wishes = {"repair_rounds": rounds, "max_attempts": 1, "verifier": False}
    made = []
    for number in range(tasks):
        kind, context = _KINDS[number % len(_KINDS)]
        case = f"{context['description']} (case {seed}-{number})"
        body = {"kind": kind, "context": {**context, "description": case}, "preferences": wishes}
        TASK_REQUEST.validate_python(body)
        made.append(orjson.dumps(body))
    return made


def _kinds() -> tuple[tuple[str, dict[str, Any]], ...]:
    calc = [{"path": path, "content": content} for path, content in inputs.CALC.items()]
    orders = [{"path": inputs.ORDERS_PATH, "content": inputs.ORDERS_CHANGED}]
    even = [{"path": "numbers/parity.py", "content": _PARITY}]
    added = [f"+{line}" for line in inputs.ORDERS_CHANGED.removeprefix(inputs.ORDERS).splitlines()]
    start = len(inputs.ORDERS.splitlines())
    hunk = [f"@@ -{start},0 +{start + 1},{len(added)} @@", *added]
    diff = "\n".join([f"--- a/{inputs.ORDERS_PATH}", f"+++ b/{inputs.ORDERS_PATH}", *hunk, ""])
    return (
        ("generate_code", {"description": inputs.SLUGIFY}),
        ("fix_bug", {"description": inputs.BUG, "files": calc}),
        ("implement_feature", {"description": "Export the intervals as CSV.", "files": calc}),
        ("refactor", {"description": "Say the conditions more simply.", "files": even}),
        ("write_tests", {"description": "Write tests for the orders.", "files": orders}),
        ("document", {"description": "Document the parity module.", "files": even}),
        ("review_code", {"description": inputs.CHANGE, "diff": diff}),
    )


_KINDS: Final = _kinds()


def _played(scene: Scene, asked: Sequence[bytes]) -> Seen:
    product = Product(scene)
    product.start_api()
    product.start_dispatcher()
    product.start_worker(SLOTS)
    asyncio.run(_load(scene, product, asked))
    ended = "SELECT count(*) FROM tasks WHERE finished_at IS NULL"
    scene.until(lambda: scene.rows(ended)[0][0] == 0, "every task has ended", 300)
    bill = fetched(f"{scene.simulator_url}/simulator/bill")
    return Seen(scene.rows(_TASKS), int(bill["total"]["nano_dollars"]))


async def _load(scene: Scene, product: Product, asked: Sequence[bytes]) -> None:
    """Submit all, a few at once: each waits for its end, so that the seconds are its own."""
    turn = asyncio.Semaphore(AT_ONCE)
    headers = product.headers | {"Prefer": "wait=60"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=90) as http:

        async def submit(body: bytes) -> None:
            async with turn:
                (await http.post(f"{product.url}{asks.PATH}", content=body)).raise_for_status()

        rules = [{"persona": "relapsing"}]
        (await http.put(f"{scene.simulator_url}/simulator/rules", json=rules)).raise_for_status()
        await asyncio.gather(*map(submit, asked))


def table(seen: Sequence[Seen]) -> Table:
    """A line for each number of rounds; the gain is over the line above."""
    made = Table("rounds", "succeeded", "calls", "repairs", "tokens", "cost", "p50", "gained", "gained / $")
    for rounds, run in enumerate(seen):
        share = f"{run.good / len(run.tasks):.1%} ({run.good}/{len(run.tasks)})"
        money, gain = f"${run.nanos / NANOS_PER_DOLLAR:.6f}", ("", "")
        if rounds:
            gain = _gain(seen[rounds - 1], run)
        counts = (str(run.calls), str(run.repairs), f"{run.tokens:,}")
        made.add_row(str(rounds), share, *counts, money, f"{run.seconds:.2f} s", *gain)
    return made


def _gain(before: Seen, after: Seen) -> tuple[str, str]:
    """Tasks that succeed now and did not before, and how many of them a further dollar buys."""
    tasks, nanos = after.good - before.good, after.nanos - before.nanos
    return f"{tasks:+d}", f"{tasks * NANOS_PER_DOLLAR / nanos:,.0f}" if nanos > 0 else "–"


def answers(seen: Sequence[Seen]) -> list[tuple[str, bool]]:
    """What was to be shown, and whether it was."""
    none, most = seen[0], seen[-1]
    share = [run.good / len(run.tasks) for run in seen]
    rising = all(later >= earlier for earlier, later in pairwise(share))
    return [
        (f"rounds help: {share[0]:.1%} without, {max(share[1:]):.1%} with", max(share[1:]) > share[0]),
        ("no further round makes it worse", rising),
        (f"without rounds nothing is asked again ({none.repairs} calls were)", none.repairs == 0),
        (
            f"at most one call more for each round ({most.calls} calls for {len(most.tasks)} tasks)",
            all(row[2] <= 1 + rounds for rounds, run in enumerate(seen) for row in run.tasks),
        ),
        ("the ledger covers the simulator's bill", all(run.nanos >= run.billed for run in seen)),
    ]


if __name__ == "__main__":
    sys.exit(main())
