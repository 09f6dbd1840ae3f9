"""The Celery tasks: each takes an id and hands it on."""

from collections.abc import Callable
from uuid import UUID

from celery import shared_task

from orchestrator import telemetry
from orchestrator.broker import CHORE, JOB, RUN
from schemas.errors import StoreUnavailable
from workers.celery import process
from workers.chores import chore as do_chore
from workers.process import Ended
from workers.run import run as run_task
from workers.visit import visit


@shared_task(name=RUN)
def run(*given: object, **_: object) -> None:
    """Run the task of the id that is the one argument."""
    _with_id(given, lambda uuid: run_task(process(), uuid))


@shared_task(name=CHORE)
def chore(*given: object, **_: object) -> None:
    """Do the chore of the id that is the one argument."""
    _with_id(given, lambda uuid: do_chore(process(), uuid))


@shared_task(name=JOB)
def job(*given: object, **_: object) -> None:
    """Look after the provider's job of the id that is the one argument."""
    _with_id(given, lambda uuid: visit(process(), uuid))


def _with_id(given: tuple[object, ...], act: Callable[[UUID], None]) -> None:
    try:
        uuid = UUID(given[0] if len(given) == 1 and isinstance(given[0], str) else "")
    except ValueError:
        telemetry.DROPPED.labels("not_an_id").inc()
        return
    try:
        act(uuid)
    except StoreUnavailable:
        telemetry.warn("worker.store_unavailable")
    except Ended:
        telemetry.warn("worker.ended_early", id=uuid)
    except Exception as error:  # noqa: BLE001 - whatever it is, the worker lives and rescue follows
        telemetry.fault("worker.fault", error)
