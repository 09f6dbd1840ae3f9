"""`provider gates` and `reset`: what keeps providers from being called, and an operator's word against it."""

from typing import Annotated

import typer

from orchestrator.cli import printing
from orchestrator.cli.session import session

_COLUMNS = ("id", "state", "until", "calls", "failed", "reason")


def gates(
    context: typer.Context,
    closed: Annotated[bool, typer.Option("--closed", help="Only those that keep something out.")] = False,
) -> None:
    """List the gates of each provider: its health circuit, its account's cool-down and credential."""
    shared = session(context)
    with shared.client() as client:
        page = client.circuit_breakers()
    shown = [each for each in page if each.state != "closed" or not closed]
    if shared.as_json:
        printing.write_json_list({"data": [each.body for each in shown]}, shared.output)
        return
    printing.table(
        _COLUMNS,
        (
            (
                each.id,
                each.state,
                each.closed_until.isoformat(timespec="seconds") if each.closed_until else "",
                "" if each.calls is None else str(each.calls),
                "" if each.failures is None else str(each.failures),
                each.reason or "",
            )
            for each in shown
        ),
    )


def reset(
    context: typer.Context,
    gate: Annotated[str, typer.Argument(metavar="ID", help="The gate's id, e.g. circuit.my-gpt.")],
) -> None:
    """Let everything through a gate again, at once and in all processes."""
    with session(context).client() as client:
        client.reset_circuit_breaker(gate)
