"""`experiment`: compare ways to route tasks."""

from typing import Annotated, Any

import typer

from orchestrator.cli import printing
from orchestrator.cli.exits import Code, Ending
from orchestrator.cli.session import session

app = typer.Typer(help="Compare ways to route tasks.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The experiment's name.")]
_COLUMNS = (
    "arm", "tasks", "samples", "failed over", "open", "succeeded", "cost", "seconds", "accepted",
    "beside the control",
)  # fmt: skip


@app.command("list")
def list_experiments(context: typer.Context) -> None:
    """List all experiments, oldest first: the first one that fits takes a task."""
    shared = session(context)
    with shared.client() as client:
        page = client.list_experiments()
    if shared.as_json:
        printing.write_json_list(page.body, shared.output)
        return
    rows = (
        (
            each.body["name"],
            each.body["status"],
            each.body["metric"],
            ", ".join(f"{arm['name']} {arm['weight']}" for arm in each.body["arms"]),
        )
        for each in page
    )
    printing.table(("name", "status", "metric", "arms"), rows)


@app.command("start")
def start(
    context: typer.Context,
    name: Name,
    arm: Annotated[
        list[str],
        typer.Option(
            metavar="NAME[,KEY=VALUE]…",
            help="At least two, the control first: a name; provider, model, strategy, weight.",
        ),
    ],
    metric: Annotated[
        str, typer.Option(metavar="METRIC", help="success_rate, cost, latency or accepted.")
    ] = "success_rate",
    kind: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Only tasks of this kind; several times: any of.")
    ] = None,
    label: Annotated[str | None, typer.Option(metavar="LABEL", help="Only tasks with this label.")] = None,
) -> None:
    """Give tasks to weighted arms from now on, a session always to the same one."""
    shared = session(context)
    arms = [_arm(each) for each in arm]
    with shared.client() as client:
        made = client.create_experiment(name, arms, metric=metric, kinds=kind or None, label=label)
    if shared.as_json:
        printing.write_json(made.body, shared.output)
    else:
        printing.write(f"{made.body['status']}\n")


@app.command("show")
def show(context: typer.Context, name: Name) -> None:
    """Show what an experiment has shown so far."""
    shared = session(context)
    with shared.client() as client:
        found = client.get_experiment(name).body
    if shared.as_json:
        printing.write_json(found, shared.output)
        return
    printing.write(f"{found['name']} is {found['status']}, by {found['metric']}\n\n")
    printing.table(_COLUMNS, [_row(each) for each in found["results"]])


@app.command("pause")
def pause(context: typer.Context, name: Name) -> None:
    """Give its arms no more tasks until it is resumed."""
    _change(context, name, "paused")


@app.command("resume")
def resume(context: typer.Context, name: Name) -> None:
    """Give its arms tasks again."""
    _change(context, name, "running")


@app.command("end")
def end(context: typer.Context, name: Name) -> None:
    """End it for good; what it has shown stays."""
    _change(context, name, "ended")


def _change(context: typer.Context, name: str, status: str) -> None:
    shared = session(context)
    with shared.client() as client:
        changed = client.change_experiment(name, {"status": status})
    if shared.as_json:
        printing.write_json(changed.body, shared.output)
    else:
        printing.write(f"{changed.body['status']}\n")


def _arm(given: str) -> dict[str, Any]:
    name, *pairs = given.split(",")
    arm: dict[str, Any] = {"name": name}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        fits = key in ("provider", "model", "strategy") or (key == "weight" and value.isdecimal())
        if not (equals and value and fits):
            raise Ending(
                f"--arm {given!r}: {pair!r} must be provider=, model=, strategy= or weight= with a value.",
                code=Code.USAGE,
            )
        arm[key] = int(value) if key == "weight" else value
    return arm


def _row(each: dict[str, Any]) -> tuple[str, ...]:
    return (
        each["arm"],
        *(str(each[name]) for name in ("assigned", "samples", "contaminated", "open")),
        _share(each["success_rate"]),
        f"${each['mean_cost_usd']}" if each["mean_cost_usd"] else "",
        f"{each['mean_seconds']:g}" if each["mean_seconds"] is not None else "",
        _share(each["accepted_rate"]),
        _beside(each["comparison"]),
    )


def _beside(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    doubt = "" if found["enough"] else ", too few samples"
    spread = f"{found['difference']:+.4g} ({found['low']:+.4g} … {found['high']:+.4g})"
    return f"{found['verdict']}: {spread}, {found['confidence']:.1%} sure{doubt}"


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
