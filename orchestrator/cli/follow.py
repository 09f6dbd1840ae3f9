"""Waiting for a task at a terminal: what it does now on one line, its outcome at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from uuid import UUID

from orchestrator.cli import printing
from orchestrator.cli.exits import Code, Ending

if TYPE_CHECKING:
    from rich.status import Status

    from orchestrator.client import Client, Event, Task

_LOOK_SECONDS: Final = 1.0


def follow(client: "Client", task: UUID | str, timeout: float | None) -> "Task":
    """The ended task with its result; a line on the terminal tells what it is doing."""
    try:
        with _status() as status:
            if status is None:
                client.wait(task, timeout=timeout)
            else:
                _tell(client, task, timeout, status)
    except KeyboardInterrupt:
        remedy = f"Wait for it: orchestrator task wait {task}\nEnd it: orchestrator task cancel {task}"
        raise Ending("interrupted; the task goes on", remedy, code=Code.INTERRUPTED) from None
    return client.get(task, include="result")


def unsuccessful(task: "Task") -> None:
    """Raise the `Ending` of a task that brought no result."""
    if task.succeeded:
        return
    why = f": {task.error.message} [{task.error.code}]" if task.error else ""
    remedy = None
    if task.error and task.error.retryable:
        remedy = f"It may work later: orchestrator task retry {task.id}"
    raise Ending(f"task {task.id} ended {task.status}{why}", remedy, code=Code.UNSUCCESSFUL)


def _tell(client: "Client", task: UUID | str, timeout: float | None, status: "Status") -> None:
    last_event, doing = 0, ""
    for seen in client.watch(task, timeout=timeout, every=_LOOK_SECONDS):
        if not seen.ended:
            for event in client.events(task, after=last_event or None):
                last_event, doing = event.id, _words(event)
        status.update(_line(seen, doing))


def _line(task: "Task", doing: str) -> str:
    parts = [task.kind, str(task.status), task.status_reason or doing]
    if task.next_attempt_at:
        parts.append(f"next try {task.next_attempt_at:%H:%M:%S} UTC")
    return printing.visible(" · ".join(part for part in parts if part))


def _words(event: "Event") -> str:
    told = [
        str(event.data[name]) for name in ("provider", "model", "purpose", "category") if name in event.data
    ]
    return " ".join([event.name, *told])


@contextmanager
def _status() -> "Iterator[Status | None]":
    """A spinner where a person looks at standard error."""
    console = printing.console_for_errors()
    if not console.is_terminal:
        yield None
        return
    with console.status("waiting") as status:
        yield status
