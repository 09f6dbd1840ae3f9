"""`version` and `openapi`: what this release is."""

import platform

import typer

from orchestrator import __version__
from orchestrator.cli import printing
from orchestrator.cli.session import session


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
