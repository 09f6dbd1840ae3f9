"""Two dispatcher processes, of which the leading one is halted: the other takes over."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.integration.flow.test_dispatcher import LEADER
from tests.integration.flow.world import World, eventually

ROOT = Path(__file__).parents[3]
LEADS = f"SELECT application_name, client_port, pid FROM pg_stat_activity WHERE pid IN ({LEADER})"


@pytest.fixture
def dispatchers(world: World) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Two processes, ended at the end whatever they do."""
    config = world.parts.config
    environment = os.environ | {
        "ORCHESTRATOR_DATABASE_URL": config.database_url or "",
        "ORCHESTRATOR_BROKER_URL": config.broker_url or "",
    }
    command = [sys.executable, "-m", "orchestrator.dispatcher"]
    with ExitStack() as closing:
        started = []
        for _ in range(2):
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
            closing.callback(process.communicate)
            closing.callback(process.kill)
            started.append(process)
        yield started


async def test_a_standby_takes_over_from_a_leader_that_hangs(
    world: World, dispatchers: list["subprocess.Popen[bytes]"]
) -> None:
    async def someone_leads() -> bool:
        return len(await world.rows(LEADS)) == 1

    await eventually(someone_leads, 20)
    (first,) = await world.rows(LEADS)

    def leader() -> "subprocess.Popen[bytes]":
        return next(one for one in dispatchers if first.client_port in _ports(one.pid))

    halted = leader()
    (standby,) = [one for one in dispatchers if one is not halted]
    halted.send_signal(signal.SIGSTOP)

    async def another_leads() -> bool:
        return any(row.client_port in _ports(standby.pid) for row in await world.rows(LEADS))

    await eventually(another_leads, 15)
    # The one that hung wakes up, finds its connection ended, and follows.
    halted.send_signal(signal.SIGCONT)
    task_id = await world.submit()

    async def was_dispatched() -> bool:
        return "task.dispatched" in await world.events(task_id)

    await eventually(was_dispatched, 10)
    assert halted.poll() is None
    assert standby.poll() is None
    (leads,) = await world.rows(LEADS)
    assert leads.client_port in _ports(standby.pid)


def _ports(pid: int) -> set[int]:
    return {one.laddr.port for one in psutil.Process(pid).net_connections("tcp")}
