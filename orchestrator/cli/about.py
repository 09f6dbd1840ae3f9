"""`version`, `openapi` and `env`: what this release is, and how others reach a running system."""

import platform
import shlex

import typer

from orchestrator import __version__
from orchestrator.cli import printing
from orchestrator.cli.exits import Ending
from orchestrator.cli.session import Session, session


def version(context: typer.Context) -> None:
    """Print the version."""
    from orchestrator.store.migrate import head

    shared = session(context)
    facts = {"version": __version__, "python": platform.python_version(), "schema": head()}
    if shared.as_json:
        printing.write_json(facts, shared.output)
    else:
        printing.write(f"orchestrator {__version__} (Python {facts['python']}, schema {facts['schema']})\n")


def openapi(context: typer.Context) -> None:
    """Print the HTTP API's OpenAPI 3.1 document as JSON."""
    from orchestrator.api.app import openapi_document
    from orchestrator.cli.session import Output

    compact = session(context).output is Output.JSONL
    printing.write_json(openapi_document(), Output.JSONL if compact else Output.JSON)


def env(context: typer.Context) -> None:
    """Print the settings of a running `up`, for a shell: eval "$(orchestrator env)".

    With them `celery -A workers …`, another worker, or this command line elsewhere meet the same system.
    """
    from orchestrator.cli.system.answerers import SIMULATOR_KEY
    from orchestrator.cli.system.attached import addresses
    from orchestrator.cli.system.keys import Kept

    shared = session(context)
    known, kept = addresses(shared.config(), shared.home()), Kept(shared.home())
    settings = {
        "ORCHESTRATOR_DATABASE_URL": known.database_url,
        "ORCHESTRATOR_BROKER_URL": known.broker_url,
        "ORCHESTRATOR_API_URL": kept.url,
        "ORCHESTRATOR_API_KEY": kept.key,
        SIMULATOR_KEY: "simulated",
        "ORCHESTRATOR_MASTER_KEY_FILE": _master_key_file(shared),
    }
    if known.database_url is None or known.broker_url is None:
        raise Ending(f"No system runs on {shared.home()}.", "Start `orchestrator up`, or name --data-dir.")
    if shared.as_json:
        printing.write_json(settings, shared.output)
    else:
        lines = (f"export {name}={shlex.quote(value)}\n" for name, value in settings.items() if value)
        printing.write("".join(lines))


def _master_key_file(shared: Session) -> str | None:
    """The file of `up`'s master key, where one is there and no other key is set."""
    from orchestrator.secrets import key_file

    config = shared.config()
    file = key_file(config.model_copy(update={"data_dir": shared.home()}))
    return str(file) if file.exists() and not config.master_key else None
