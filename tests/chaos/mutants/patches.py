"""The mutants: what is taken out, and the scene in which it is missed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.chaos.asks import SLOWLY
from tests.chaos.mutants.plays import ANSWERED_THEN_KILLED, UNDISTURBED, Play, scene
from tests.chaos.scenes import AGAIN, RESUMED, UNHURT, Scene, Strike


class Unpatchable(Exception):
    """The lines to be replaced are not there, or not only once."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Lines of one file, and what stands in their place."""

    path: str
    old: str
    new: str

    def apply(self, tree: Path) -> None:
        """Replace them in the file; raises `Unpatchable` as `patched` does."""
        file = tree / self.path
        file.write_text(self.patched(file.read_text(encoding="utf-8")), encoding="utf-8")

    def patched(self, text: str) -> str:
        """The file's text with them replaced; raises `Unpatchable` unless they are there exactly once."""
        if (count := text.count(self.old)) != 1:
            raise Unpatchable(f"{self.path}: found {count} times: {self.old.strip()[:80]!r}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A protection taken out, and the invariant that must notice it; None: nothing may depend on it."""

    name: str
    play: Play
    noticed_by: str | None
    patches: tuple[Patch, ...]


_EARLY_ACK: Final = Patch("orchestrator/broker/__init__.py", "task_acks_late=True", "task_acks_late=False")

MUTANTS: Final = (
    # A worker that was halted past its lease settles over the head of the one that took its task.
    Mutant(
        "no fence",
        scene(Scene("call.answered", AGAIN, Strike.WORKER_HALTED, manner=SLOWLY)),
        "exact calls",
        (
            Patch(
                "orchestrator/store/tasks.py",
                """        WHERE id = :id AND status = :from_status AND attempt = :attempt
            AND lease_token IS NOT DISTINCT FROM CAST(:token AS uuid)
            AND (NOT :unexpired OR lease_until > clock_timestamp()){{guard}}
""",
                """        WHERE id = :id AND status = :from_status{{guard}}
""",
            ),
        ),
    ),
    # What a dead worker held is never taken back.
    Mutant(
        "no sweep",
        scene(Scene("run.claimed", RESUMED)),
        "stuck",
        (
            Patch(
                "orchestrator/flow/rescue.py",
                "    taken = await _each(parts, leases.EXPIRED, _after_crash, close_calls=True)\n",
                "    taken = 0\n",
            ),
        ),
    ),
    # Submit answers 202 and commits a second later: an API that dies in between has told a lie.
    Mutant(
        "publish before commit",
        ANSWERED_THEN_KILLED,
        "lost",
        (
            Patch(
                "orchestrator/flow/submit.py",
                "    rows = await tasks.rows_of(parts.db, statement, given)\n",
                """    import asyncio

    import contextlib

    open_for = contextlib.AsyncExitStack()
    connection = await open_for.enter_async_context(parts.db.transaction())
    rows = await connection.execute(statement, given)

    async def late() -> None:
        await asyncio.sleep(1.0)
        await open_for.aclose()

    parts.late = asyncio.ensure_future(late())
""",
            ),
            Patch(
                "orchestrator/wiring.py", "@dataclass(frozen=True)\nclass Parts", "@dataclass\nclass Parts"
            ),
        ),
    ),
    # The message is acknowledged when it is received, and whoever published it takes that for done. The
    # second half is the protection: see the next, which is harmless.
    Mutant(
        "early ack",
        scene(Scene("run.nudged", UNHURT)),
        "stuck",
        (
            _EARLY_ACK,
            Patch(
                "orchestrator/flow/wake.py",
                "    await parts.db.run(lanes.FORGET_GHOSTS, age=age, queues=lost, most=MOST_GHOSTS)\n",
                "",
            ),
        ),
    ),
    Mutant("early ack alone", scene(Scene("run.nudged", UNHURT)), None, (_EARLY_ACK,)),
    # The outcome waits for the verification: a crash in between forgets a paid answer and pays again.
    Mutant(
        "outcome only at settle",
        scene(Scene("run.verified", RESUMED)),
        "exact calls",
        (
            Patch(
                "workers/call.py",
                "    outcome = await _booked(process, ",
                "    process.late = lambda: _booked(process, ",
            ),
            Patch(
                "workers/run.py",
                "            if process.wait(until_stored(lambda: settle(",
                """            process.wait(process.late())
            if process.wait(until_stored(lambda: settle(""",
            ),
        ),
    ),
    # The request goes out first, its intent is committed afterwards.
    Mutant(
        "call before intent",
        UNDISTURBED,
        "late intent",
        (
            Patch(
                "workers/call.py",
                "    intent = await intended(process, lease, Intent(call_id, purpose, hold, timeout, entry),"
                " rejected_call)\n",
                "    intent = Intent(call_id, purpose, hold, timeout, entry)\n",
            ),
            Patch(
                "workers/call.py",
                '    failpoints.reach("call.answered")\n',
                '    failpoints.reach("call.answered")\n'
                "    await intended(process, lease, intent, rejected_call)\n",
            ),
        ),
    ),
    # A call whose process died is written off instead of charged at its hold.
    Mutant(
        "unknown written off as 0",
        scene(Scene("call.answered", AGAIN)),
        "bill",
        (
            Patch(
                "orchestrator/store/calls.py",
                "SET status = 'unknown', cost_nanos = hold_nanos,",
                "SET status = 'unknown', cost_nanos = 0,",
            ),
        ),
    ),
)
