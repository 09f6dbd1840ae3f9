"""`make mutants`: every mutant is caught, and the product itself comes through every scene; else exit 1."""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.embedded.stack import Stack
from tests.chaos.ground import ROOT, ground, servers
from tests.chaos.mutants.money_patches import MONEY_MUTANTS
from tests.chaos.mutants.patches import MUTANTS, Mutant, Patch
from tests.chaos.mutants.plays import Play
from tests.chaos.scenes import LATENCY_MS, SHORT
from tests.chaos.violations import Violation

PACKAGES = ("orchestrator", "workers", "schemas")


def main() -> int:
    """Play the controls, then the mutants."""
    options = argparse.ArgumentParser(prog="python -m tests.chaos.mutants", description=__doc__)
    options.add_argument("--only", help="those with this in their name")
    given = options.parse_args()
    began = time.monotonic()
    mutants = [one for one in (*MUTANTS, *MONEY_MUTANTS) if given.only is None or given.only in one.name]
    plays = {mutant.play.name: mutant.play for mutant in mutants}
    with servers() as stack:
        sound = [_control(stack, play) for play in plays.values()]
        caught = [_mutant(stack, mutant) for mutant in mutants]
    harmful = [found for found, mutant in zip(caught, mutants, strict=True) if mutant.noticed_by]
    print(f"controls: {sum(sound)} of {len(sound)} without a breach")
    print(f"mutants: caught {sum(harmful)} of {len(harmful)}, {time.monotonic() - began:.0f} s ({SHORT})")
    return 0 if all(sound) and all(caught) else 1


def _control(stack: Stack, play: Play) -> bool:
    violations = _played(stack, play, ())
    _say("unchanged", play.name, _listed(violations) or "no breach")
    return not violations


def _mutant(stack: Stack, mutant: Mutant) -> bool:
    """Whether it was noticed by what must notice it, or is as harmless as the design says."""
    violations = _played(stack, mutant.play, mutant.patches)
    listed = _listed(violations)
    if mutant.noticed_by is None:
        _say(mutant.name, mutant.play.name, listed or "harmless, as the design says")
        return not violations
    noticed = any(violation.invariant == mutant.noticed_by for violation in violations)
    found = f"caught by: {listed}" if noticed else f"MISSED by {mutant.noticed_by!r}; found: {listed or '-'}"
    _say(mutant.name, mutant.play.name, found)
    return noticed


def _played(stack: Stack, play: Play, patches: tuple[Patch, ...]) -> tuple[Violation, ...]:
    with (
        _copy(patches) as tree,
        ground(stack, play.times, tree=tree, latency_ms=LATENCY_MS, budgets=play.budgets) as made,
    ):
        return play.act(made)


@contextmanager
def _copy(patches: tuple[Patch, ...]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        tree = Path(folder)
        for package in PACKAGES:
            shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
        for patch in patches:
            patch.apply(tree)
        yield tree


def _listed(violations: tuple[Violation, ...]) -> str:
    return ", ".join(dict.fromkeys(violation.invariant for violation in violations))


def _say(what: str, where: str, found: str) -> None:
    print(f"{what:<26} {where:<48} {found}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
