"""`worker`: run one, as any Celery user would; list those that are registered."""

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli import printing
from orchestrator.cli.exits import Code, Ending, Misused
from orchestrator.cli.session import Session, session

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.config import Config

app = typer.Typer(help="Run a worker, or list them.", invoke_without_command=True, rich_markup_mode=None)


@app.callback()
def worker(
    context: typer.Context,
    queues: Annotated[
        str | None,
        typer.Option(
            metavar="QUEUES", help="Queues to serve, with commas, e.g. provider.openai; default: all."
        ),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option("-c", "--concurrency", min=1, max=2000, metavar="NUMBER", help="Tasks at a time."),
    ] = None,
    name: Annotated[
        str, typer.Option("-n", "--name", metavar="NAME", help="Unique on this machine.")
    ] = "worker",
) -> None:
    """Run a worker in the foreground until SIGTERM or Ctrl-C; it then finishes or hands back its tasks."""
    if context.invoked_subcommand is None:
        shared = session(context)
        config = _addresses(shared)
        _become(shared, config, name, _chosen(queues), concurrency or config.concurrency)


@app.command("list")
def list_workers(context: typer.Context) -> None:
    """List the workers that have been seen lately."""
    import asyncio

    shared = session(context)
    rows = asyncio.run(_workers(_addresses(shared)))
    if shared.as_json:
        printing.write_json_list({"data": rows}, shared.output)
        return
    columns = ("name", "state", "slots", "started_at", "heartbeat_at", "queues")
    printing.table(columns, ([_cell(row[column]) for column in columns] for row in rows))


async def _workers(config: "Config") -> list[dict[str, Any]]:
    from orchestrator.cli.system.prepare import answering
    from orchestrator.store.views.workers import workers
    from orchestrator.wiring import open_parts

    await answering(config)
    async with open_parts(config, "cli") as parts:
        found = await workers(parts.db, config.dead_after_seconds)
    return [row.as_json() for row in found]


def _cell(value: object) -> str:
    if isinstance(value, list):
        return "all" if len(value) > 9 else " ".join(map(str, value))
    return str(value)


def _chosen(queues: str | None) -> tuple[str, ...]:
    from orchestrator.cli.system.plan import ALL_QUEUES

    if queues is None:
        return ALL_QUEUES
    chosen = tuple(dict.fromkeys(queue.strip() for queue in queues.split(",") if queue.strip()))
    if unknown := [queue for queue in chosen if queue not in ALL_QUEUES] or ([] if chosen else [queues]):
        raise Misused(f"There is no queue {unknown[0]!r}.", f"The queues are: {', '.join(ALL_QUEUES)}.")
    return chosen


def _addresses(shared: Session) -> "Config":
    from orchestrator.cli.system.attached import addresses

    config = addresses(shared.config(), shared.home())
    if not (config.database_url and config.broker_url):
        raise Ending(
            "No database and broker are known.",
            "Set ORCHESTRATOR_DATABASE_URL and ORCHESTRATOR_BROKER_URL, or start `orchestrator up` first.",
            code=Code.UNAVAILABLE,
        )
    return config


def _become(shared: Session, config: "Config", name: str, queues: tuple[str, ...], concurrency: int) -> None:
    """Replace this process by Celery's worker; signals reach it without anyone between."""
    from orchestrator.cli.system.plan import worker_arguments
    from orchestrator.config import child_environment

    home = shared.home()
    home.mkdir(parents=True, exist_ok=True)
    environment = child_environment(
        ORCHESTRATOR_DATABASE_URL=config.database_url,
        ORCHESTRATOR_BROKER_URL=config.broker_url,
        ORCHESTRATOR_DATA_DIR=str(home),
        **_beside_up(home),
    )
    # Celery imports from the current folder first, and a folder of the user's may have a `workers` too.
    os.chdir(home)
    arguments = worker_arguments(name, queues, concurrency)
    os.execve(sys.executable, [sys.executable, "-P", "-m", "celery", *arguments], environment)


def _beside_up(home: "Path") -> dict[str, str]:
    """What a worker beside an `up` shares with it: the simulator's key, and the folder of figures."""
    from orchestrator.cli.system.answerers import SIMULATOR_KEY
    from orchestrator.cli.system.plan import GIVEN_TO_SIMULATOR
    from orchestrator.config import credential

    figures = home / "metrics"
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(figures)} if figures.is_dir() else {}
    return shared | {SIMULATOR_KEY: credential(SIMULATOR_KEY) or GIVEN_TO_SIMULATOR}
