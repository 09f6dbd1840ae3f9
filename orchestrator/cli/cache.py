"""`cache`: what kept answers have spared, filling the cache from ended tasks, and forgetting all."""

from typing import Annotated

import typer

from orchestrator.cli import printing
from orchestrator.cli.session import session

app = typer.Typer(
    help="Show, fill and clear the cache of answers.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("stats")
def stats(context: typer.Context) -> None:
    """Show what the cache was asked, what it had, and what it spared."""
    shared = session(context)
    with shared.client() as client:
        body = client.cache_stats().body
    if shared.as_json:
        printing.write_json(body, shared.output)
        return
    ratio = "" if body["hit_ratio"] is None else f" ({body['hit_ratio']:.0%})"
    lines = [
        ("look-ups", f"{body['lookups']:,}"),
        ("hits", f"{body['hits']:,}{ratio}, {body['hits_alike']:,} of them by likeness"),
        ("served", f"{body['served']:,} tasks"),
        ("tokens", f"{body['input_tokens_served']:,} in, {body['output_tokens_served']:,} out"),
        ("saved", f"${body['saved_usd']}"),
        ("since", body["since"] or "nothing was asked yet"),
    ]
    printing.write("".join(f"{name:<8}  {printing.visible(value)}\n" for name, value in lines))


@app.command("warm")
def warm(
    context: typer.Context,
    tasks: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Ended tasks; without any the newest that fit.")
    ] = None,
    kind: Annotated[str | None, typer.Option(metavar="KIND", help="Only tasks of this kind.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only those that ended at or after it (RFC 3339).")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only those that ended before it (RFC 3339).")
    ] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="Look at so many tasks at most.")] = None,
) -> None:
    """Keep what ended tasks were answered, for tasks that ask the same; nothing is paid."""
    shared = session(context)
    with shared.client() as client:
        body = client.warm_cache(tasks=tasks or None, kind=kind, since=since, until=until, limit=limit).body
    if shared.as_json:
        printing.write_json(body, shared.output)
        return
    printing.write(f"{body['kept']} kept, {body['there']} there before\n")
    for each in body["left_out"]:
        printing.write(f"{each['task_id']}  {each['reason']}\n")


@app.command("clear")
def clear(context: typer.Context) -> None:
    """Forget all kept answers of the tenant."""
    with session(context).client() as client:
        client.clear_cache()
