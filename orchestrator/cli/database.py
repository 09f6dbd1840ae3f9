"""`db`: bring the database's schema to this release, or tell how far it is."""

import typer

from orchestrator.cli import printing
from orchestrator.cli.exits import Code, Ending
from orchestrator.cli.session import Session, session

app = typer.Typer(help="The database's schema.", no_args_is_help=True, rich_markup_mode=None)


@app.command("migrate")
def migrate(context: typer.Context) -> None:
    """Bring the database to this release's schema. Safe to repeat, and from several machines at once."""
    from orchestrator.store import migrate as migrations

    shared = session(context)
    url = _reachable_url(shared)
    before = migrations.current(url)
    after = migrations.migrate(url)
    if shared.as_json:
        printing.write_json({"before": before, "after": after}, shared.output)
    elif before == after:
        printing.write(f"the schema is at {after}; nothing to do\n")
    else:
        printing.write(f"the schema is at {after} now (before: {before or 'empty'})\n")


@app.command("status")
def status(context: typer.Context) -> None:
    """Tell the database's schema and this release's. Exit code 1 where they differ."""
    from orchestrator.store import migrate as migrations

    shared = session(context)
    current, head = migrations.current(_reachable_url(shared)), migrations.head()
    if shared.as_json:
        printing.write_json({"current": current, "head": head, "at_head": current == head}, shared.output)
    else:
        printing.write(f"database: {current or 'empty'}\nrelease:  {head}\n")
    if current != head:
        raise Ending("The schema is not this release's.", "Run `orchestrator db migrate`.")


def _reachable_url(shared: Session) -> str:
    """The database's URL after it has answered."""
    import asyncio

    from orchestrator.cli.system.attached import addresses
    from orchestrator.cli.system.prepare import answering

    config = addresses(shared.config(), shared.home())
    if config.database_url is None:
        raise Ending(
            f"No database is known: ORCHESTRATOR_DATABASE_URL is not set, and no embedded one runs on "
            f"{shared.home()}.",
            "`orchestrator up` starts one and migrates it by itself.",
            code=Code.UNAVAILABLE,
        )
    asyncio.run(answering(config))
    return config.database_url
