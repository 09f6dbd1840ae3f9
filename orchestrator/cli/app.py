"""The commands of `orchestrator` and its global options; every way out of a command is here."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from orchestrator.cli import (
    about,
    budget,
    cache,
    config,
    database,
    demo,
    doctor,
    experiment,
    ledger,
    provider,
    submit,
    task,
    up,
    worker,
)
from orchestrator.cli.exits import Code
from orchestrator.cli.session import Output, Session

GLOBAL: Final = ("-o", "--output", "--url", "--api-key", "--data-dir")
_DEBUG: Final = "--debug"

app = typer.Typer(
    help="A durable task queue for AI coding work: submit, watch, run.",
    epilog="Exit codes: 0 ok, 1 failed, 2 usage, 3 timeout, 4 auth, 5 task ended unsuccessfully, "
    "6 not found, 7 unavailable. Global options may stand anywhere on the line.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback()
def options(
    context: typer.Context,
    output: Annotated[
        Output,
        typer.Option(
            "-o", "--output", metavar="FORMAT", help="How results are printed: table, json or jsonl."
        ),
    ] = Output.TABLE,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The API's address; else ORCHESTRATOR_API_URL, else the last `up`."),
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="An API key; else ORCHESTRATOR_API_KEY, else the last `up`'s."),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="Where `up` keeps everything; else ORCHESTRATOR_DATA_DIR, else .data"
        ),
    ] = None,
    debug: Annotated[
        bool,
        typer.Option(_DEBUG, help="Show the traceback of an unexpected error; else ORCHESTRATOR_DEBUG."),
    ] = False,
) -> None:
    context.obj = Session(output, url, api_key, data_dir)


app.command("up")(up.up)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.add_typer(submit.app, name="submit")
app.add_typer(task.app, name="task")
app.add_typer(budget.app, name="budget")
app.add_typer(cache.app, name="cache")
app.add_typer(provider.app, name="provider")
app.add_typer(config.app, name="config")
app.add_typer(experiment.app, name="experiment")
app.add_typer(worker.app, name="worker")
app.add_typer(database.app, name="db")
app.add_typer(ledger.app, name="ledger")
app.command("openapi")(about.openapi)
app.command("version")(about.version)
app.command("env")(about.env)


def run(arguments: Sequence[str]) -> int:
    """Run a command; the exit code. Errors become one readable line on standard error."""
    from orchestrator.cli.failures import ended, expected, unexpected

    try:
        app(args=hoisted(arguments), prog_name="orchestrator")
    except SystemExit as ending:
        return (
            ending.code if isinstance(ending.code, int) else Code.OK if ending.code is None else Code.FAILED
        )
    except expected() as error:
        return ended(error)
    except Exception as error:  # noqa: BLE001 - the last resort: a person gets a line, not a traceback
        return unexpected(error, debug=_DEBUG in _before_the_end(arguments))
    return Code.OK


def main() -> None:
    """The entry point."""
    sys.exit(run(sys.argv[1:]))


def hoisted(arguments: Sequence[str]) -> list[str]:
    """The arguments with the global options in front, wherever they stood before a `--`."""
    given = list(arguments)
    end = len(_before_the_end(given))
    front, rest = list[str](), list[str]()
    takes_value = False
    for word in given[:end]:
        is_global = takes_value or word.partition("=")[0] in (*GLOBAL, _DEBUG) or _is_short_output(word)
        takes_value = not takes_value and word in GLOBAL
        (front if is_global else rest).append(word)
    return [*front, *rest, *given[end:]]


def _before_the_end(arguments: Sequence[str]) -> Sequence[str]:
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def _is_short_output(word: str) -> bool:
    return word[:2] == "-o" and word[2:] in tuple(Output)
