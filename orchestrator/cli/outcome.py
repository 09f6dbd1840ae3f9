"""How a submitted or awaited task ends a command: its result printed, its exit code set."""

from typing import TYPE_CHECKING
from uuid import UUID

from orchestrator.cli import printing
from orchestrator.cli.follow import follow, unsuccessful
from orchestrator.cli.session import Session

if TYPE_CHECKING:
    from orchestrator.client import Client, Task


def wait_and_show(shared: Session, client: "Client", task: UUID | str, timeout: float | None) -> None:
    """Wait for the task and show what came of it; raises `Ending` unless it succeeded."""
    ended = follow(client, task, timeout)
    if shared.as_json:
        printing.write_json(ended.body, shared.output)
    else:
        show_ended(ended)
    unsuccessful(ended)


def show_ended(task: "Task") -> None:
    """The outcome for a person: the summary on standard error, the result on standard output."""
    from orchestrator.cli import rendering

    printing.say(rendering.summary(task, task.result))
    if task.result:
        rendering.show_notes(task.result)
        rendering.show_result(task.result)


def announce(shared: Session, task: "Task", *, waits: bool) -> None:
    """Tell a new task's id: as the result, or on standard error where the result is still to come."""
    if waits:
        printing.say(f"task {task.id}")
    elif shared.as_json:
        printing.write_json(task.body, shared.output)
    else:
        printing.write(f"{task.id}\n")
