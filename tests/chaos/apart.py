"""Scenes that need a stage of their own: a task that kills its workers, a disk that is full."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from orchestrator.embedded.errors import StartFailed
from orchestrator.embedded.stack import Stack
from schemas.budgets import BudgetRequest, Period, Scope
from tests.chaos import reading
from tests.chaos.asks import ask
from tests.chaos.checker import TERMINAL, check
from tests.chaos.children import Stalled, eventually
from tests.chaos.ground import Ground, Times, ground, servers, submitted
from tests.chaos.records import Submission
from tests.chaos.scenes import LATENCY_MS, SHORT
from tests.chaos.stage import opened, start_worker
from tests.chaos.table import Other
from tests.chaos.violations import Violation

LANE: Final = "first"
BUDGETS: Final = (BudgetRequest(scope=Scope.TENANT, subject=None, period=Period.DAY, limit_usd="1000"),)
DISK: Final = "700m"
FULL_SECONDS: Final = 6.0
TASKS: Final = 30
# Postgres may be away for a while: nobody's lease is to blame.
PATIENT: Final = Times(max_crashes=12)


def poison(stack: Stack) -> Other:
    """A task whose every worker dies while it works for it fails; the next one is none the worse."""
    with ground(stack, SHORT, latency_ms=LATENCY_MS, budgets=BUDGETS) as made:
        opened(made)
        worker = start_worker(made, LANE, failpoints="call.intended=kill@1")
        poisoned = submitted(made, "poison", ask(0, provider=LANE))
        deaths = 0
        while not _ended(made, str(poisoned)) and deaths < 2 * SHORT.max_crashes:
            if worker.died(15):
                deaths += 1
                made.start(worker.name, ORCHESTRATOR_FAILPOINTS="call.intended=kill@1")
        worker.kill()
        start_worker(made, LANE)
        healthy = submitted(made, "healthy", ask(1, provider=LANE))
        with suppress(Stalled):
            made.settled(30)
        told = (Submission("poison", poisoned), Submission("healthy", healthy))
        history = reading.history(made.database_url, made.journal, told)
        states = {task.id: (task.status, task.crashes) for task in history.tasks}
        expected = {poisoned: ("failed", SHORT.max_crashes), healthy: ("succeeded", 0)}
        found = [one for one in check(history) if (one.invariant, one.id) != ("unsuccessful", str(poisoned))]
        if states != expected:
            found.append(Violation("poison", str(poisoned), f"{states}, not {expected}"))
        return Other("a poison task", f"failed after {deaths} dead workers; the next succeeded", found)


def disk_full() -> Other:
    """Postgres' disk is full for a few seconds under load; when there is room again, all goes on."""
    name = "a full disk"
    with tempfile.TemporaryDirectory(prefix="chaos-disk-") as folder:
        home = Path(folder)
        try:
            with _mounted(home), servers(home) as stack:
                if not stack.postgres.cluster.data.is_relative_to(home):
                    return Other(name, "", skipped="Postgres' user cannot enter the small disk")
                return Other(name, *_without_room(stack, home))
        except subprocess.CalledProcessError as error:
            return Other(name, "", skipped=f"no tmpfs can be mounted: {error.stderr.decode().strip()}")


def _without_room(stack: Stack, home: Path) -> tuple[str, tuple[Violation, ...]]:
    with ground(stack, PATIENT, latency_ms=LATENCY_MS, budgets=BUDGETS) as made:
        opened(made)
        start_worker(made, LANE)
        told = [_told(made, number) for number in range(TASKS // 2)]
        _fill(home / "ballast")
        time.sleep(FULL_SECONDS)
        (home / "ballast").unlink()
        # Without room for its log Postgres may have given up: an operator starts it again.
        with suppress(StartFailed):
            stack.postgres.start()
        eventually(lambda: stack.postgres.pid, "Postgres runs")
        told += [_told(made, number) for number in range(TASKS // 2, TASKS)]
        with suppress(Stalled):
            made.settled(60)
        history = reading.history(made.database_url, made.journal, tuple(told))
        return f"full for {FULL_SECONDS:g} s; {len(history.tasks)} tasks ended", check(history)


def _told(made: Ground, number: int) -> Submission:
    key = f"disk-{number}"
    return Submission(key, submitted(made, key, ask(number, provider=LANE)))


def _fill(ballast: Path) -> None:
    piece = b"\0" * 1_000_000
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(piece):
            pass


@contextmanager
def _mounted(folder: Path) -> Iterator[None]:
    """A small disk there; raises `CalledProcessError` where this machine allows none."""
    if shutil.which("mount") is None:
        raise subprocess.CalledProcessError(1, "mount", stderr=b"there is no mount")
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "tmpfs", str(folder)],
        check=True,
        capture_output=True,
    )
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)


def _ended(made: Ground, task_id: str) -> bool:
    with reading.connect(made.database_url) as connection:
        row = connection.execute("SELECT status FROM tasks WHERE id = %s", (task_id,)).fetchone()
    return bool(row and row[0] in TERMINAL)
