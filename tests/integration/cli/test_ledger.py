"""`orchestrator ledger` as a person and a script run it."""

import asyncio
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator import clock
from orchestrator.config import Config, child_environment
from orchestrator.store.audit import CHECKS
from orchestrator.wiring import Parts
from tests.integration.flow import world as making
from tests.integration.flow.test_reckon import busy, tampered
from tests.integration.flow.test_reprice import called, right
from tests.integration.flow.world import World


@pytest.fixture
async def world(parts: Parts) -> World:
    await making.empty(parts)
    return await making.make_world(parts)


async def ledger(settings: Config, folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run the command: exit code, standard output, standard error."""
    environment = child_environment(
        ORCHESTRATOR_DATABASE_URL=settings.database_url, ORCHESTRATOR_DATA_DIR=str(folder), NO_COLOR="1"
    )
    command = [sys.executable, "-m", "orchestrator.cli", "ledger", *arguments]
    done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


async def test_books_that_agree_are_verified(world: World, settings: Config, tmp_path: Path) -> None:
    await busy(world)
    code, out, _ = await ledger(settings, tmp_path, "verify")
    assert code == 0
    assert [line.split()[:3] for line in out.splitlines()[1:]] == [[name, "0", "$0.00"] for name in CHECKS]
    code, out, _ = await ledger(settings, tmp_path, "verify", "--since", "24h", "-o", "json")
    assert code == 0
    assert {finding["breaches"] for finding in json.loads(out)["data"]} == {0}


async def test_drift_is_told_with_an_exit_code(world: World, settings: Config, tmp_path: Path) -> None:
    await busy(world)
    await tampered(world, "UPDATE ledger SET amount_nanos = amount_nanos + 3 WHERE amount_nanos = 7")
    code, out, errors = await ledger(settings, tmp_path, "verify")
    assert code == 1
    assert "ledger_is_the_calls       1          $0.000000003" in out
    assert "1 breaches" in errors


async def test_a_range_is_repriced_after_a_look(world: World, settings: Config, tmp_path: Path) -> None:
    task_id = await called(world, 1)
    start, end = (f"{clock.now() + timedelta(hours=hours):%Y-%m-%dT%H:%M:%S}" for hours in (-1, 1))
    between = ("reprice", "--from", start, "--to", end)
    code, out, _ = await ledger(settings, tmp_path, *between, "--dry-run")
    assert (code, out.splitlines()[-1]) == (0, "1 calls would be corrected")
    assert await world.ledger(task_id) == [("spend", 1)]
    code, out, _ = await ledger(settings, tmp_path, *between)
    assert (code, out.splitlines()[-1]) == (0, "1 calls were corrected")
    assert sum(nanos for _, nanos in await world.ledger(task_id)) == right()
    code, out, _ = await ledger(settings, tmp_path, *between, "-o", "json")
    assert [model["changed"] for model in json.loads(out)["data"]] == [0]
