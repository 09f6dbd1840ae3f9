"""What `make test` plays small, again and larger: scenes over stores that stumble, the state machine."""

import os
import subprocess
import sys
from typing import Final

from orchestrator.embedded.stack import Stack
from tests.chaos import cap
from tests.chaos.ground import ROOT, ground
from tests.chaos.scenes import LATENCY_MS, SHORT
from tests.chaos.stage import play_all
from tests.chaos.storm import Storm
from tests.chaos.table import Other
from tests.chaos.violations import Violation

STUMBLING: Final = Storm("store", menu={}, tasks=250, pace=8.0, clumsy=True)
"""Load and no other fault than that one answer of the store in twenty is lost."""
CAPPED: Final = cap.Size(workers=2, tasks=60, cap_usd="0.5", slots=8)
MACHINE: Final = "200x50"
EDITS: Final = "10000"
_EDITS_TEST: Final = "tests/unit/verify/test_fuzz.py"
_MACHINE_TEST: Final = "tests/integration/flow/test_machine.py"
_MACHINE_SECONDS: Final = 1_800


def scenes_over_clumsy_stores(stack: Stack, seed: int) -> Other:
    """A strike at each step of the way, while stores stumble: only the promises are to be had, no counts."""
    with ground(stack, SHORT, latency_ms=LATENCY_MS, clumsy=seed) as made:
        played = play_all(made, expect_counts=False)
        missed = [name for name, one in played.items() if not one.struck]
        found = [violation for one in played.values() for violation in one.violations]
        if found:
            print(f"logs and journal: {made.keep()}", flush=True)
    found += [Violation("not struck", name, "the process did not get there") for name in missed]
    return Other("failpoints, clumsy store", f"{len(played)} scenes, {len(found)} breaches", found)


def cap_over_clumsy_stores(stack: Stack) -> Other:
    """A budget smaller than what is asked for, while stores stumble and the broker is wiped."""
    seen = cap.play(stack, CAPPED, flushed=True, clumsy=True)
    how = (
        f"highest {seen.capped.highest} of {seen.capped.limit} nano-dollars, {len(seen.violations)} breaches"
    )
    return Other("a cap, clumsy store", how, seen.violations)


def edits() -> Other:
    """Damaged code answers, ten thousand of them."""
    settings = {"ORCHESTRATOR_TEST_EDITS": EDITS}
    command = [sys.executable, "-m", "pytest", "-q", _EDITS_TEST]
    run = subprocess.run(
        command, check=False, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True
    )
    found = [Violation("edits", EDITS, run.stdout[-2000:])] if run.returncode else []
    return Other("edits", f"{EDITS} mutations: {run.stdout.strip().splitlines()[-1]}", found)


def machine(stack: Stack) -> Other:
    """The state machine over the flow, at its large size."""
    settings = {
        "ORCHESTRATOR_TEST_DATABASE_URL": stack.database_url,
        "ORCHESTRATOR_TEST_BROKER_URL": stack.broker_url,
        "ORCHESTRATOR_TEST_MACHINE": MACHINE,
    }
    command = [sys.executable, "-m", "pytest", "-q", "-o", f"timeout={_MACHINE_SECONDS}", _MACHINE_TEST]
    run = subprocess.run(
        command, check=False, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True
    )
    found = [Violation("state machine", MACHINE, run.stdout[-2000:])] if run.returncode else []
    return Other("state machine", f"{MACHINE}: {run.stdout.strip().splitlines()[-1]}", found)
