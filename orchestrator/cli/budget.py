"""`budget`: set, list and remove limits on spending."""

from typing import Annotated

import typer

from orchestrator.cli import printing
from orchestrator.cli.session import session

app = typer.Typer(help="Set, list and remove budgets.", no_args_is_help=True, rich_markup_mode=None)

_COLUMNS = ("id", "binds", "period", "kind", "limit", "spent", "held", "left", "window ends")


@app.command("list")
def list_budgets(context: typer.Context) -> None:
    """List all budgets with what their current windows have spent and hold."""
    shared = session(context)
    with shared.client() as client:
        page = client.list_budgets()
    if shared.as_json:
        printing.write_json_list(page.body, shared.output)
        return
    printing.table(
        _COLUMNS,
        (
            (
                str(each.id),
                f"{each.scope} {each.subject}" if each.subject else each.scope,
                each.period,
                "hard" if each.hard else "soft",
                *(f"${usd}" for usd in (each.limit_usd, each.spent_usd, each.held_usd, each.remaining_usd)),
                each.window_ends.isoformat(timespec="seconds") if each.window_ends else "never",
            )
            for each in page
        ),
    )


@app.command("set")
def set_budget(
    context: typer.Context,
    limit: Annotated[str, typer.Argument(metavar="DOLLARS", help="The limit, e.g. 25 or 0.50.")],
    scope: Annotated[
        str, typer.Option(metavar="SCOPE", help="tenant, user, key, provider or session.")
    ] = "tenant",
    subject: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which user, key, provider or session.")
    ] = None,
    period: Annotated[str, typer.Option(metavar="PERIOD", help="day, month or total; in UTC.")] = "month",
    soft: Annotated[bool, typer.Option("--soft", help="Warn at 50, 80 and 100 %, refuse nothing.")] = False,
) -> None:
    """Make a budget, or give the one of the same scope, subject, period and hardness a new limit."""
    shared = session(context)
    with shared.client() as client:
        made = client.set_budget(scope, limit, subject=subject, period=period, hard=not soft)
    if shared.as_json:
        printing.write_json(made.body, shared.output)
    else:
        printing.write(f"{made.id}\n")


@app.command("remove")
def remove_budget(
    context: typer.Context, budget: Annotated[str, typer.Argument(metavar="ID", help="The budget's id.")]
) -> None:
    """Remove a budget; it limits nothing from now on."""
    with session(context).client() as client:
        client.remove_budget(budget)
