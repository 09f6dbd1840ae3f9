"""What goes wrong in a run: faults of every kind, in an order and at moments that the seed decides."""

import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import psutil
import redis

from tests.chaos import reading
from tests.chaos.children import Child, Stalled, eventually
from tests.chaos.ground import Ground

MENU: Final[Mapping[str, int]] = {
    "worker killed": 5,
    "Valkey flushed": 1,
    "Valkey restarted": 1,
    "dispatcher killed": 2,
    "API killed": 2,
    "Postgres restarted": 1,
}
BUSY_WITHIN: Final = 6.0
_LEASES = """
    SELECT workers.pid, count(*) FROM tasks JOIN workers USING (boot_id)
    WHERE tasks.status = 'running' AND lease_until > clock_timestamp() GROUP BY workers.pid
"""
_LEADER = """
    SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """What was done, when it began, and what it hit."""

    kind: str
    at: datetime
    hit: str


@dataclass
class Nemesis:
    """Carries the faults out, one after the other, spread over so many seconds."""

    ground: Ground
    seed: int
    span: float
    done: list[Fault] = field(default_factory=list)

    def run(self) -> None:
        """All faults of the menu."""
        dice = random.Random(self.seed)
        kinds = [kind for kind, count in MENU.items() for _ in range(count)]
        dice.shuffle(kinds)
        began, step = time.monotonic(), self.span / len(kinds)
        for index, kind in enumerate(kinds):
            due = began + step * (index + dice.uniform(0.2, 0.8))
            time.sleep(max(0.0, due - time.monotonic()))
            act = self._acts[kind]
            if kind == "worker killed":
                with suppress(Stalled):
                    eventually(self._leases, "a worker is at work", BUSY_WITHIN)
            at = datetime.now(UTC)
            self.done.append(Fault(kind, at, act()))

    @property
    def _acts(self) -> Mapping[str, Callable[[], str]]:
        return {
            "worker killed": self._kill_worker,
            "Valkey flushed": self._flush,
            "Valkey restarted": self._restart_valkey,
            "dispatcher killed": self._kill_leader,
            "API killed": lambda: self._again(self.ground.children["api"], "serving"),
            "Postgres restarted": self._restart_postgres,
        }

    def _kill_worker(self) -> str:
        """The one that holds the most leases."""
        held = self._leases()
        victim = max(self._named("worker"), key=lambda child: held.get(child.pid or 0, 0))
        return self._again(victim, f"{held.get(victim.pid or 0, 0)} leases held")

    def _kill_leader(self) -> str:
        dispatchers = self._named("dispatcher")
        leading = [child for child in dispatchers if child.pid and self._leads(child.pid)]
        victim = (leading or dispatchers)[0]
        return self._again(victim, "leading" if leading else "following")

    def _flush(self) -> str:
        with redis.Redis.from_url(self.ground.stack.broker_url) as client:
            gone = client.dbsize()
            client.flushall()
        return f"{gone} keys"

    def _restart_valkey(self) -> str:
        self.ground.stack.valkey.kill()
        self.ground.stack.valkey.start()
        return "kill -9"

    def _restart_postgres(self) -> str:
        self.ground.stack.postgres.restart(mode="immediate")
        return "immediate"

    def _again(self, victim: Child, hit: str) -> str:
        victim.kill()
        self.ground.start(victim.name)
        return f"{victim.name}, {hit}"

    def _named(self, role: str) -> list[Child]:
        return [child for name, child in sorted(self.ground.children.items()) if name.startswith(role)]

    def _leases(self) -> dict[int, int]:
        with reading.connect(self.ground.database_url) as connection:
            return dict(connection.execute(_LEASES).fetchall())

    def _leads(self, pid: int) -> bool:
        with reading.connect(self.ground.database_url) as connection:
            row = connection.execute(_LEADER).fetchone()
        links = psutil.Process(pid).net_connections("tcp")
        return row is not None and any(link.laddr.port == row[0] for link in links)
