"""`db`: bring the database's schema to this release, or tell how far it is."""

from typing import Annotated

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


@app.command("prepare")
def prepare(
    context: typer.Context,
    simulator_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Asked where no provider's key is in the environment."),
    ] = None,
) -> None:
    """Migrate, and make the default tenant, its providers and, the first time, an API key.

    `orchestrator up` does this by itself; it is for containers and servers of one's own.
    """
    from orchestrator.cli.system import answerers
    from orchestrator.cli.system.keys import Kept
    from orchestrator.cli.system.prepare import prepare as prepared

    shared = session(context)
    _reachable_url(shared)
    config = shared.config()
    providers = answerers.real() or (answerers.simulated(simulator_url) if simulator_url else ())
    key = prepared(config, providers, Kept(shared.home()), own_database=False, rotate=False)
    names = [provider.name for provider in providers]
    if shared.as_json:
        printing.write_json({"providers": names, "api_key": key.value if key.fresh else None}, shared.output)
        return
    printing.write(f"providers: {', '.join(names) or 'none: set OPENAI_API_KEY'}\n")
    if key.fresh:
        printing.write(f"API key, shown this once: {key.value}\n")


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
