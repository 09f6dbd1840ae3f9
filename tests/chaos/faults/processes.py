"""Processes that are killed, halted past their leases, or told to stop in the middle of their work."""

import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from typing import Final

import psutil

from tests.chaos import reading
from tests.chaos.children import Child, Stalled, eventually
from tests.chaos.ground import Ground

BUSY_WITHIN: Final = 6.0
STOPS_WITHIN: Final = 45.0
_LEASES: Final = """
    SELECT workers.pid, count(*) FROM tasks JOIN workers USING (boot_id)
    WHERE tasks.status = 'running' AND lease_until > clock_timestamp() GROUP BY workers.pid
"""
_LEADER: Final = """
    SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND datname = current_database()
"""


def busiest(ground: Ground) -> tuple[Child, int]:
    """The worker that holds the most leases, once one is at work, and how many."""
    with suppress(Stalled):
        eventually(lambda: _leases(ground), "a worker is at work", BUSY_WITHIN)
    held = _leases(ground)
    victim = max(ground.named("worker"), key=lambda child: held.get(child.pid or 0, 0))
    return victim, held.get(victim.pid or 0, 0)


def _kill_worker(ground: Ground, _dice: Random) -> str:
    victim, held = busiest(ground)
    return _again(ground, victim, f"{held} leases held")


def _kill_all_workers(ground: Ground, _dice: Random) -> str:
    _, _ = busiest(ground)
    held = sum(_leases(ground).values())
    workers = ground.named("worker")
    for worker in workers:
        worker.kill()
    for worker in workers:
        ground.start(worker.name)
    return f"{len(workers)} workers, {held} leases held"


def _halt_worker(ground: Ground, _dice: Random) -> str:
    victim, held = busiest(ground)
    victim.send(signal.SIGSTOP)
    time.sleep(ground.times.lease + 2 * ground.times.heartbeat)
    victim.send(signal.SIGCONT)
    return f"{victim.name}, {held} leases held"


def _stop_worker(ground: Ground, _dice: Random) -> str:
    victim, held = busiest(ground)
    victim.send(signal.SIGTERM)
    gently = victim.died(STOPS_WITHIN)
    return _again(ground, victim, f"{held} leases held{'' if gently else ', had to be killed'}")


def _kill_leader(ground: Ground, _dice: Random) -> str:
    dispatchers = ground.named("dispatcher")
    with suppress(Stalled):
        eventually(lambda: leading(ground), "a dispatcher leads", 3)
    victim = leading(ground)
    return _again(ground, victim or dispatchers[0], "leading" if victim else "following")


def _kill_api(ground: Ground, _dice: Random) -> str:
    return _again(ground, ground.children["api"], "serving")


def leading(ground: Ground) -> Child | None:
    """The dispatcher that holds the lock, as far as its connections tell."""
    with reading.connect(ground.database_url) as connection:
        row = connection.execute(_LEADER).fetchone()
    alive = [child for child in ground.named("dispatcher") if child.pid]
    return next((child for child in alive if row and _has_port(child.pid or 0, row[0])), None)


def _has_port(pid: int, port: int) -> bool:
    return any(link.laddr.port == port for link in psutil.Process(pid).net_connections("tcp"))


def _again(ground: Ground, victim: Child, hit: str) -> str:
    victim.kill()
    ground.start(victim.name)
    return f"{victim.name}, {hit}"


def _leases(ground: Ground) -> dict[int, int]:
    with reading.connect(ground.database_url) as connection:
        return dict(connection.execute(_LEASES).fetchall())


ACTS: Final[Mapping[str, Callable[[Ground, Random], str]]] = {
    "worker killed": _kill_worker,
    "all workers killed": _kill_all_workers,
    "worker halted past its lease": _halt_worker,
    "worker told to stop": _stop_worker,
    "dispatcher killed": _kill_leader,
    "API killed": _kill_api,
}
