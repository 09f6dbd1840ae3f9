"""`task`: look at tasks and act on them."""

import json
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from orchestrator.cli import outcome, printing
from orchestrator.cli.exits import Code, Ending, Misused
from orchestrator.cli.session import Output, session

if TYPE_CHECKING:
    from orchestrator.client import Event, Task

app = typer.Typer(help="Look at tasks and act on them.", no_args_is_help=True, rich_markup_mode=None)

TaskId = Annotated[UUID, typer.Argument(metavar="ID", help="The task's id.")]
TimeoutOption = Annotated[
    float | None, typer.Option(min=0, metavar="SECONDS", help="Seconds to wait. Exit code 3 after them.")
]
_SHOWN: Final = (
    "id",
    "kind",
    "status",
    "status_reason",
    "next_attempt_at",
    "priority",
    "provider",
    "attempt",
    "labels",
    "created_at",
    "started_at",
    "finished_at",
    "deadline",
)


@app.command("get")
def get(
    context: typer.Context,
    task: TaskId,
    include: Annotated[
        str | None,
        typer.Option(
            metavar="PARTS", help="More of it with -o json: result, request, calls, feedback; with commas."
        ),
    ] = None,
) -> None:
    """Show a task as it stands."""
    shared = session(context)
    with shared.client() as client:
        found = client.get(task, include=include)
    if shared.as_json:
        printing.write_json(found.body, shared.output)
    else:
        _show_task(found)


@app.command("list")
def list_tasks(
    context: typer.Context,
    status: Annotated[
        list[str] | None, typer.Option(metavar="STATUS", help="Only in this state; several times: any of.")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Only of this kind; several times: any of.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="LABEL", help="Only with this label; several times: all of.")
    ] = None,
    session_id: Annotated[str | None, typer.Option(metavar="ID", help="Only of this session.")] = None,
    limit: Annotated[
        int, typer.Option("-n", "--limit", min=1, max=100, metavar="NUMBER", help="At most this many.")
    ] = 20,
    cursor: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="`next_cursor` of the page before.")
    ] = None,
) -> None:
    """List tasks, newest first."""
    shared = session(context)
    filters = {"status": status, "kind": kind, "label": label, "session_id": session_id}
    with shared.client() as client:
        page = client.list(limit=limit, cursor=cursor, **filters)
    if shared.as_json:
        printing.write_json_list(page.body, shared.output)
        return
    columns = ("id", "kind", "status", "provider", "cost", "created", "error")
    printing.table(columns, [_row(task) for task in page])
    if page.has_more:
        printing.say(f"more: --cursor {page.next_cursor}")


@app.command("wait")
def wait(context: typer.Context, task: TaskId, timeout: TimeoutOption = None) -> None:
    """Wait for a task and print its result. Exit code 5 if it ended without one."""
    shared = session(context)
    with shared.client() as client:
        outcome.wait_and_show(shared, client, task, timeout)


@app.command("result")
def result(
    context: typer.Context,
    task: TaskId,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="FORMAT", help="A review as sarif (2.1.0) or rdjson (reviewdog)."),
    ] = None,
) -> None:
    """Print an ended task's result: a change as a diff, fit for `git apply`; a review as its findings."""
    from orchestrator.catalogue.exports import ExportFormat

    shared = session(context)
    if form is not None and form not in tuple(ExportFormat):
        raise Misused(f"--format {form} is not known.", f"Give one of: {', '.join(ExportFormat)}.")
    with shared.client() as client:
        if form is not None:
            printing.write_json(client.export(task, form), shared.output)
            return
        found = client.result(task)
        if shared.as_json:
            printing.write_json(found.body, shared.output)
        else:
            outcome.show_ended(client.get(task, include="result"))
    if found.body["status"] != "succeeded":
        raise Ending(f"task {task} ended {found.body['status']}", code=Code.UNSUCCESSFUL)


@app.command("cancel")
def cancel(context: typer.Context, task: TaskId) -> None:
    """Cancel a task. A running provider call is closed; what it cost so far is booked."""
    shared = session(context)
    with shared.client() as client:
        found = client.cancel(task)
    if shared.as_json:
        printing.write_json(found.body, shared.output)
    else:
        printing.write(f"{found.status}\n")


@app.command("retry")
def retry(
    context: typer.Context,
    task: TaskId,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the result.")] = False,
    timeout: TimeoutOption = None,
) -> None:
    """Submit an ended task's request again, as a new task."""
    shared = session(context)
    with shared.client() as client:
        made = client.retry(task)
        outcome.announce(shared, made, waits=wait)
        if wait:
            outcome.wait_and_show(shared, client, made.id, timeout)


@app.command("events")
def events(
    context: typer.Context,
    task: TaskId,
    follow: Annotated[bool, typer.Option("--follow", "-F", help="Go on until the task has ended.")] = False,
    after: Annotated[
        int | None, typer.Option(min=0, metavar="ID", help="Only events after the one with this id.")
    ] = None,
) -> None:
    """Print what happened in a task."""
    shared = session(context)
    with shared.client() as client:
        found = client.stream(task, after=after) if follow else client.events(task, after=after)
        if shared.output is Output.JSON and not follow:
            printing.write_json({"data": [event.body for event in found]}, shared.output)
            return
        for event in found:
            if shared.as_json:
                printing.write_json(event.body, Output.JSONL)
            else:
                printing.write(f"{_event_line(event)}\n")


@app.command("calls")
def calls(context: typer.Context, task: TaskId) -> None:
    """List the provider calls that a task made, with tokens and cost."""
    shared = session(context)
    with shared.client() as client:
        page = client.calls(task)
    if shared.as_json:
        printing.write_json_list(page.body, shared.output)
        return
    columns = ("attempt", "purpose", "provider", "model", "status", "tokens in", "out", "cost", "failure")
    printing.table(
        columns,
        [
            (
                str(call.attempt),
                call.purpose,
                call.provider,
                call.model,
                call.status,
                _count(call.input_tokens),
                _count(call.output_tokens),
                f"${call.cost_usd}",
                call.category or "",
            )
            for call in page
        ],
    )


@app.command("feedback")
def feedback(
    context: typer.Context,
    task: TaskId,
    rating: Annotated[
        int | None, typer.Option(min=1, max=5, metavar="1-5", help="From 1, of no use, to 5, as wished.")
    ] = None,
    accepted: Annotated[
        bool | None, typer.Option("--accepted/--rejected", help="Whether the result was used.")
    ] = None,
    comment: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A word on it, at most 2,000 characters.")
    ] = None,
) -> None:
    """Say what an ended task's result was worth; it counts in its provider's history."""
    if rating is None and accepted is None and comment is None:
        raise Ending("Give at least one of --rating, --accepted or --rejected, --comment.", code=Code.USAGE)
    shared = session(context)
    with shared.client() as client:
        found = client.feedback(task, rating=rating, accepted=accepted, comment=comment)
    if shared.as_json:
        printing.write_json(found.body, shared.output)
    else:
        printing.write(f"kept, for {found.body.get('provider') or 'no provider'}\n")


@app.command("explain")
def explain(context: typer.Context, task: TaskId) -> None:
    """Show why a task went where it went: the providers' scores, and who was left out and why."""
    from orchestrator.cli import routes

    shared = session(context)
    with shared.client() as client:
        found = client.explain(task)
    if shared.as_json:
        printing.write_json(found.body, shared.output)
    elif found.route is None:
        printing.write(f"at {found.provider}; the task was stored before routes were explained\n")
    else:
        routes.show(found.route, found.current)


def _show_task(task: "Task") -> None:
    from orchestrator.cli import rendering

    facts = [(name, _cell(task.body.get(name))) for name in _SHOWN]
    if task.simulated:
        facts.append(("simulated", "yes: the provider only plays a model"))
    if task.quality is not None:
        facts.append(("quality", f"{task.quality} of 100"))
    if task.children:
        ends = (f"{child.provider} {child.status} ${child.cost_usd}" for child in task.children)
        facts.append(("children", ", ".join(ends)))
    facts += [("tokens", rendering.tokens(task)), ("cost", rendering.cost(task))]
    if task.error:
        facts.append(("error", f"{task.error.message} [{task.error.code}]"))
    width = max(len(name) for name, _ in facts)
    printing.write("".join(f"{name:<{width}}  {printing.visible(value)}\n" for name, value in facts if value))


def _row(task: "Task") -> tuple[str, ...]:
    created = f"{task.created_at:%Y-%m-%d %H:%M:%S}" if task.created_at else ""
    error = task.error.code if task.error else task.status_reason or ""
    return (str(task.id), task.kind, task.status, task.provider or "", f"${task.cost.usd}", created, error)


def _event_line(event: "Event") -> str:
    told = " ".join(f"{name}={_word(value)}" for name, value in event.data.items())
    return printing.visible(
        f"{event.id:>4}  {event.at:%H:%M:%S.%f}"[:-3] + f"  {event.name:<20} {told}".rstrip()
    )


def _word(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if text and " " not in text else json.dumps(text, ensure_ascii=False)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else str(value)


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
