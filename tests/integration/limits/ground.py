"""A Valkey of the test's own, and circuits that nobody else uses."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from redis import Redis

from orchestrator import clock
from orchestrator.embedded.binaries import valkey_server
from orchestrator.embedded.directory import free_port
from orchestrator.embedded.valkey import Valkey
from orchestrator.limits.breakers import Breakers, Circuit, CircuitOpen, Health, Phase, Policy, Transition

QUICK = Policy(open_seconds=0.05, open_most=0.8)
"""Opens for times that a test can wait for; its window is the product's."""
SLOW = Policy(open_seconds=60, open_most=300)
"""Once open, it stays so for the rest of a test."""
LEASE = 30.0


@contextmanager
def own_valkey() -> Iterator[Valkey]:
    """A running server that a test may flush, stop or kill."""
    with tempfile.TemporaryDirectory(prefix="valkey-") as home:
        server = Valkey(Path(home) / "valkey", valkey_server(), free_port(), uuid4().hex)
        server.start()
        try:
            yield server
        finally:
            server.kill()


def new_circuit() -> Circuit:
    """A circuit that no other test has touched."""
    return Circuit(uuid4(), "https://api.example/v1", "some-model")


class Caller:
    """One process's breakers and what they told."""

    def __init__(self, url: str, policy: Policy = QUICK) -> None:
        self.moves: list[Transition] = []
        self.breakers = Breakers(url, policy, self.moves.append)

    def call(self, circuit: Circuit, health: Health) -> bool:
        """One guarded call that ends so; False where it was refused."""
        try:
            with self.breakers.guard(circuit, LEASE) as verdict:
                verdict.health = health
        except CircuitOpen:
            return False
        return True

    def fail(self, circuit: Circuit, calls: int = 5) -> None:
        """So many failed calls."""
        for _ in range(calls):
            self.call(circuit, Health.FAILURE)

    def phase(self, circuit: Circuit) -> Phase:
        """The circuit's state."""
        return self.breakers.state(circuit).name

    def waited_out(self, circuit: Circuit) -> None:
        """The open time is over."""
        until(lambda: self.breakers.state(circuit).retry_in == 0)

    def told(self) -> list[tuple[Phase, Phase]]:
        """The moves told, as pairs."""
        return [(move.from_state, move.to_state) for move in self.moves]


@contextmanager
def caller(url: str, policy: Policy = QUICK) -> Iterator[Caller]:
    """One process's breakers, closed at the end."""
    made = Caller(url, policy)
    try:
        yield made
    finally:
        made.breakers.close()


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until the condition holds; fail if it doesn't in time."""
    end = clock.monotonic() + seconds
    while not condition():
        assert clock.monotonic() < end, "waited in vain"
        clock.pause(0.002)


def admin(url: str) -> Redis:
    """A plain client of the server."""
    return Redis.from_url(url, decode_responses=True)
