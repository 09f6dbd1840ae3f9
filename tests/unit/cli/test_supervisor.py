"""Restarting what dies, more slowly and louder what keeps dying, stopping in order."""

from pathlib import Path
from threading import Event
from typing import ClassVar, cast

import pytest

from orchestrator import clock
from orchestrator.cli.system import supervisor as supervising
from orchestrator.cli.system.process import Spec, how_it_ended
from orchestrator.cli.system.supervisor import Supervisor


class FakeChild:
    """A process that lives until told otherwise."""

    stopped: ClassVar[list[str]] = []

    def __init__(self, spec: Spec, home: Path) -> None:
        self.spec = spec
        self.log = home / f"{spec.name}.log"
        self.starts = 0
        self.running = False
        self.exit_code: int | None = None

    def start(self) -> None:
        self.starts += 1
        self.running = True

    def die(self) -> None:
        self.running, self.exit_code = False, -9

    def ask_to_stop(self) -> None:
        self.stopped.append(self.spec.name)
        self.running = self.spec.name == "stubborn"

    def kill(self) -> None:
        self.running = False

    def let_go(self) -> None:
        """Nothing is held."""

    def last_lines(self) -> str:
        return "last words"


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock's one reading."""
    reading = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: reading[0])
    monkeypatch.setattr(supervising, "Child", FakeChild)
    FakeChild.stopped.clear()
    return reading


def child_of(system: Supervisor, name: str) -> FakeChild:
    return cast("FakeChild", system.child(name))


def test_a_child_that_dies_starts_again_after_a_pause_and_that_is_said(now: list[float]) -> None:
    said: list[str] = []
    system = Supervisor(Path("home"), said.append)
    system.start([Spec("api", "module")])
    child = child_of(system, "api")
    child.die()
    system.tick()
    assert child.starts == 1
    now[0] += 0.6
    system.tick()
    assert child.starts == 2
    assert said == ["api ended (SIGKILL); it starts again in 0.5 s. Its log: home/api.log"]


def test_a_child_that_keeps_dying_is_restarted_ever_more_slowly_and_loudly(now: list[float]) -> None:
    said: list[str] = []
    system = Supervisor(Path("home"), said.append)
    system.start([Spec("api", "module"), Spec("worker-1", "module")])
    child = child_of(system, "worker-1")
    for _ in range(30):
        child.die()
        system.tick()
        now[0] += 31
        system.tick()
    waits = [line.partition("again in ")[2].partition(" s.")[0] for line in said]
    assert waits[:8] == ["0.5", "1", "2", "4", "8", "16", "30", "30"]
    assert set(waits[8:]) == {"30"}
    assert said[3].startswith("worker-1 ended (SIGKILL);")
    assert said[4].startswith("WORKER-1 KEEPS DYING: it ended 5 times in a row, now with SIGKILL;")
    assert child.starts == 31
    assert child_of(system, "api").running


def test_deaths_that_are_far_apart_are_forgiven(now: list[float]) -> None:
    said: list[str] = []
    system = Supervisor(Path("home"), said.append)
    system.start([Spec("api", "module")])
    child = child_of(system, "api")
    for _ in range(20):
        now[0] += 61
        child.die()
        system.tick()
        now[0] += 0.6
        system.tick()
    assert child.starts == 21
    assert all("starts again in 0.5 s" in line for line in said)


def test_children_stop_in_order_and_the_rest_at_the_end(now: list[float]) -> None:
    system = Supervisor(Path("home"), lambda _: None)
    system.start([Spec(name, "module") for name in ("simulator", "api", "worker-1", "worker-2", "other")])
    system.stop(("worker-", "api", "simulator"), Event())
    assert list(dict.fromkeys(FakeChild.stopped)) == ["worker-1", "worker-2", "api", "simulator", "other"]


def test_in_a_hurry_nobody_is_asked(now: list[float]) -> None:
    hurry = Event()
    hurry.set()
    system = Supervisor(Path("home"), lambda _: None)
    system.start([Spec("stubborn", "module")])
    system.stop((), hurry)
    assert FakeChild.stopped == []
    assert not child_of(system, "stubborn").running


@pytest.mark.parametrize(("code", "words"), [(0, "exit code 0"), (3, "exit code 3"), (-15, "SIGTERM")])
def test_an_exit_code_in_words(code: int, words: str) -> None:
    assert how_it_ended(code) == words
