"""`demo`: one task of each main kind on a whole system of its own, with its results put to the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated, Final

import typer

from orchestrator.cli import printing
from orchestrator.cli.exits import Code, Ending
from orchestrator.cli.naming import program
from orchestrator.cli.session import Session, session

if TYPE_CHECKING:
    from orchestrator.cli.system.launch import System, Wish

LATENCY_MS: Final = 150.0
_CONCURRENCY: Final = 10


def demo(
    context: typer.Context,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the folder with the code it made.")] = False,
) -> None:
    """Run a task of each main kind and show the results.

    Starts everything on free ports, with data in .data/demo, and stops it at the end. Exit code 0 only
    if the generated code works, the patch applies and mends the failing test, and the review finds
    something.
    """
    from orchestrator.cli.system.launch import Interrupted, launched
    from orchestrator.cli.system.signals import listening

    shared = session(context)
    config = shared.config()
    with listening() as asked:
        try:
            printing.say("starting Postgres, Valkey and the processes …")
            with launched(_wish(shared), config, asked, printing.say) as system, _watched(system):
                asked.interrupts = True
                succeeded = _play(system, keep=keep)
                asked.interrupts = False
                printing.say("stopping …")
        except (Interrupted, KeyboardInterrupt):
            told = "interrupted; everything it started has ended"
            raise Ending(told, code=Code.INTERRUPTED) from None
    if not succeeded:
        raise Ending("The demo did not come out as it should; the logs are in " + str(system.logs))


def _wish(shared: Session) -> "Wish":
    from orchestrator.cli.system.launch import Wish

    return Wish(
        data_dir=shared.data_dir or shared.home() / "demo",
        host="127.0.0.1",
        port=0,
        workers=1,
        concurrency=_CONCURRENCY,
        flower=False,
        latency_ms=LATENCY_MS,
    )


@contextmanager
def _watched(system: "System") -> Iterator[None]:
    """Processes that die are restarted while the scenes play."""
    over = Event()
    watcher = Thread(target=system.supervisor.watch, args=(over,), name="watcher")
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _play(system: "System", *, keep: bool) -> bool:
    """Play all scenes in a folder of their own; whether each came out well."""
    from orchestrator.cli.demo.scenes import SCENES, Play
    from orchestrator.cli.demo.stage import Stage
    from orchestrator.client import Client

    folder = Path(mkdtemp(prefix="orchestrator-demo-"))
    stage = Stage()
    try:
        with Client(system.api_url, system.key.value) as client:
            play = Play(client, folder, stage)
            outcomes = [scene(play) for scene in SCENES]
    finally:
        if not keep:
            rmtree(folder, ignore_errors=True)
    stage.curtain(_last_words(outcomes, folder if keep else None))
    return all(outcomes)


def _last_words(outcomes: list[bool], folder: Path | None) -> list[str]:
    lines = [f"{sum(outcomes)} of {len(outcomes)} came out as they should."]
    if folder is not None:
        lines.append(f"The code it made is in {folder}")
    lines.append("This system stops now. To have one that stays, with API, docs, Flower:")
    lines.append(f"  {program()} up")
    return lines
