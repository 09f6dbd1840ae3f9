"""`up`: a whole Orchestrator in the foreground."""

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import printing
from orchestrator.cli.session import Session, session

if TYPE_CHECKING:
    from orchestrator.cli.system.launch import System


WorkersOption = Annotated[
    int, typer.Option(min=0, max=64, metavar="NUMBER", help="Worker processes; each serves all queues.")
]
HostOption = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Address the API listens on; default 127.0.0.1.")
]
PortOption = Annotated[
    int | None,
    typer.Option(
        min=0, max=65535, metavar="PORT", help="Port of the API; default 8000 or the next that is free."
    ),
]
ConcurrencyOption = Annotated[
    int | None,
    typer.Option(
        min=1, max=2000, metavar="NUMBER", help="Tasks that one worker runs at a time; default 100."
    ),
]
FlowerOption = Annotated[bool, typer.Option("--flower/--no-flower", help="Run Celery's own view as well.")]
LatencyOption = Annotated[
    float, typer.Option(min=0, metavar="MS", help="How long the simulator thinks, where it is used.")
]
NewKeyOption = Annotated[
    bool, typer.Option("--new-key", help="Revoke the API key that `up` made and print a new one.")
]


def up(
    context: typer.Context,
    workers: WorkersOption = 1,
    host: HostOption = None,
    port: PortOption = None,
    concurrency: ConcurrencyOption = None,
    flower: FlowerOption = True,
    latency_ms: LatencyOption = 200,
    new_key: NewKeyOption = False,
) -> None:
    """Start everything in the foreground, until Ctrl-C.

    Postgres and Valkey are embedded unless ORCHESTRATOR_DATABASE_URL and ORCHESTRATOR_BROKER_URL name
    others. Without a provider's key in the environment a simulator answers.
    """
    from orchestrator.cli.system.launch import Interrupted, Wish, launched
    from orchestrator.cli.system.signals import listening

    shared = session(context)
    config = shared.config()
    chosen = port if port is not None else config.port if "port" in config.model_fields_set else None
    wish = Wish(
        data_dir=shared.home(),
        host=host or config.host,
        port=chosen,
        workers=workers,
        concurrency=concurrency or config.concurrency,
        flower=flower,
        latency_ms=latency_ms,
        new_key=new_key,
    )
    with listening() as asked:
        try:
            printing.say("starting …")
            with launched(wish, config, asked, printing.say) as system:
                _show(shared, system)
                system.supervisor.watch(asked.stop)
                printing.say("stopping … (Ctrl-C again: at once)")
        except Interrupted:
            pass
    printing.say("stopped")


def _show(shared: Session, system: "System") -> None:
    from orchestrator.cli.system import report

    if shared.as_json:
        printing.write_json(report.facts(system), shared.output)
    else:
        printing.write(report.text(system))
    for line in report.warnings(system):
        printing.say(line, style="yellow")
