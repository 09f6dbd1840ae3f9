"""`ledger`: check the money's books, and reprice the past."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from orchestrator.cli import printing
from orchestrator.cli.exits import Code, Ending, Misused
from orchestrator.cli.session import Session, session

if TYPE_CHECKING:
    from orchestrator.flow.reprice import Repriced
    from orchestrator.wiring import Parts

T = TypeVar("T")
app = typer.Typer(help="The books of what calls cost.", no_args_is_help=True, rich_markup_mode=None)

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@app.command("verify")
def verify(
    context: typer.Context,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Only what changed lately, e.g. 30m, 24h or 7d; default: everything."
        ),
    ] = None,
) -> None:
    """Hold ledger, calls and budgets against each other. Exit code 1 where they differ."""
    from orchestrator.flow.reckon import reckon

    shared = session(context)
    lately = None if since is None else _duration(since)
    findings = _with_parts(shared, lambda parts: reckon(parts, lately))
    breaches = sum(finding.breaches for finding in findings)
    if shared.as_json:
        body = {"data": [asdict(finding) for finding in findings]}
        printing.write_json_list(body, shared.output)
    else:
        columns = ("check", "breaches", "drift", "examples")
        printing.table(
            columns,
            (
                (each.check, str(each.breaches), _money(each.drift_nanos), ", ".join(each.examples) or "-")
                for each in findings
            ),
        )
    if breaches:
        raise Ending(f"The books do not agree: {breaches} breaches.")


@app.command("reprice")
def reprice(
    context: typer.Context,
    start: Annotated[datetime, typer.Option("--from", help="The first instant of the range, in UTC.")],
    end: Annotated[datetime, typer.Option("--to", help="The first instant after it, in UTC.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the differences, and book nothing.")
    ] = False,
) -> None:
    """Price past calls anew from their stored usage, and book the differences as corrections."""
    from orchestrator.flow.reprice import reprice as repriced

    shared = session(context)
    first, last = start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)
    if first >= last:
        raise Misused("The range is empty: --from must be before --to.")
    models = _with_parts(shared, lambda parts: repriced(parts, first, last, dry_run=dry_run))
    if shared.as_json:
        printing.write_json_list({"data": [asdict(model) for model in models]}, shared.output)
        return
    columns = ("vendor", "model", "calls", "changed", "before", "after", "difference")
    printing.table(columns, (_line(model) for model in models))
    changed = sum(model.changed for model in models)
    printing.write(f"{changed} calls {'would be' if dry_run else 'were'} corrected\n")


def _line(model: "Repriced") -> tuple[str, ...]:
    before, after = model.before_nanos, model.after_nanos
    counts = (str(model.calls), str(model.changed))
    return (model.vendor, model.model, *counts, _money(before), _money(after), _money(after - before))


def _money(nanos: int) -> str:
    from schemas.calls import dollars

    return f"${dollars(nanos)}"


def _duration(given: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,6})([smhd])", given.strip())
    if found is None or int(found[1]) == 0:
        raise Misused(f"{given!r} is no time: write a number and s, m, h or d, e.g. 24h.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _with_parts(shared: Session, act: "Callable[[Parts], Awaitable[T]]") -> T:
    import asyncio

    return asyncio.run(_acted(shared, act))


async def _acted(shared: Session, act: "Callable[[Parts], Awaitable[T]]") -> T:
    from orchestrator.cli.system.attached import addresses
    from orchestrator.cli.system.prepare import answering
    from orchestrator.wiring import open_parts

    config = addresses(shared.config(), shared.home())
    if config.database_url is None:
        raise Ending(
            "No database is known.",
            "Set ORCHESTRATOR_DATABASE_URL, or start `orchestrator up` first.",
            code=Code.UNAVAILABLE,
        )
    await answering(config)
    # No broker is asked for anything here, so any address will do where none is known.
    config = config.model_copy(update={"broker_url": config.broker_url or "redis://127.0.0.1:6379/0"})
    async with open_parts(config, "cli") as parts:
        return await act(parts)
