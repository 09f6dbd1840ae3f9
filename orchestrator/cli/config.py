"""`config`: how the tenant's tasks are routed."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli import printing
from orchestrator.cli.exits import Code, Ending
from orchestrator.cli.session import Session, session

if TYPE_CHECKING:
    from orchestrator.client import Config

app = typer.Typer(
    help="Show and set how tasks are routed where they don't say otherwise.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Similar = Annotated[
    str | None,
    typer.Option(
        metavar="PROVIDER[=LIKENESS]",
        help="Whose vectors find kept answers for chats that want `similar`: my-gpt=0.95; or off.",
    ),
]


@app.command("show")
def show(context: typer.Context) -> None:
    """Show the strategy, the weights of the score and what is preferred."""
    shared = session(context)
    with shared.client() as client:
        _show(shared, client.config())


@app.command("set")
def set_config(
    context: typer.Context,
    strategy: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="balanced, cheapest, fastest, preferred, round_robin, fixed or weighted.",
        ),
    ] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART=PERCENT",
            help="capability, cost, history or preference; together they make 100.",
        ),
    ] = None,
    max_cost: Annotated[
        str | None, typer.Option(metavar="DOLLARS", help="Money per task that the cost is measured by.")
    ] = None,
    preferred: Annotated[
        list[str] | None, typer.Option(metavar="PROVIDER", help="A provider to prefer; best first.")
    ] = None,
    share: Annotated[
        list[str] | None,
        typer.Option(metavar="PROVIDER=NUMBER", help="For `weighted`: how often it is taken first."),
    ] = None,
    redaction: Annotated[
        str | None, typer.Option(metavar="RULE", help="Hide secrets: required, optional by task, or off.")
    ] = None,
    similar: _Similar = None,
    reset: Annotated[bool, typer.Option("--reset", help="Start from the defaults.")] = False,
) -> None:
    """Set what is given and keep the rest; `--reset` puts the rest back to its default."""
    shared = session(context)
    given: dict[str, Any] = {
        "strategy": strategy,
        "max_cost_usd": max_cost,
        "preferred": preferred,
        "shares": _numbers("--share", share or ()),
        "redaction": redaction,
    }
    with shared.client() as client:
        kept: dict[str, Any] = {} if reset else dict(client.config().body)
        weights = _numbers("--weight", weight or ())
        if weights:
            given["weights"] = dict(kept.get("weights") or {}) | weights
        asked = kept | {name: value for name, value in given.items() if value}
        if similar is not None:
            asked["similar"] = _similar(similar)
        _show(shared, client.set_config(asked))


def _similar(given: str) -> dict[str, Any] | None:
    if given == "off":
        return None
    provider, separator, likeness = given.partition("=")
    if not separator:
        return {"provider": provider}
    try:
        return {"provider": provider, "likeness": float(likeness)}
    except ValueError:
        raise Ending(f"--similar {given!r} must look like NAME=0.95.", code=Code.USAGE) from None


def _numbers(option: str, pairs: Iterable[str]) -> dict[str, int]:
    found = {}
    for pair in pairs:
        name, _, number = pair.rpartition("=")
        if not (name and number.isdecimal() and number.isascii()):
            raise Ending(f"{option} {pair!r} must look like NAME=30.", code=Code.USAGE)
        found[name] = int(number)
    return found


def _show(shared: Session, config: "Config") -> None:
    if shared.as_json:
        printing.write_json(config.body, shared.output)
        return
    lines = [
        ("strategy", config.strategy),
        ("weights", ", ".join(f"{name} {percent} %" for name, percent in config.weights.items())),
        ("max cost", f"${config.max_cost_usd} a task" if config.max_cost_usd else "the default"),
        ("preferred", ", ".join(config.preferred) or "the configured order"),
        ("shares", ", ".join(f"{name} {share}" for name, share in config.shares.items()) or "by score"),
        ("redaction", config.redaction),
        ("similar", _liked(config.similar)),
    ]
    printing.write("".join(f"{name:<9}  {printing.visible(value)}\n" for name, value in lines))


def _liked(similar: dict[str, Any] | None) -> str:
    return f"by {similar['provider']}, from a likeness of {similar['likeness']}" if similar else "off"
