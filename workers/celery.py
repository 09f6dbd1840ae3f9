"""The Celery side of a worker process: makes it when the worker starts, drains it when it stops."""

from typing import Any

from celery import Celery
from celery.signals import (
    celeryd_after_setup,
    setup_logging,
    task_rejected,
    task_unknown,
    worker_shutdown,
    worker_shutting_down,
)
from celery.worker.consumer import Consumer as CeleryConsumer

from orchestrator import telemetry
from orchestrator.broker import make_app
from orchestrator.config import config
from workers.process import Process

app: Celery = make_app(config().broker_url)
app.set_default()
app.conf.imports = ("workers.tasks",)


class Consumer(CeleryConsumer):
    """Celery's consumer, which drops and counts what it can't decode without printing its body."""

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Acknowledge and count a message of a content type or encoding that is not accepted."""
        telemetry.DROPPED.labels("undecodable").inc()
        telemetry.warn("message.dropped", why="undecodable", error=type(exc).__name__)
        message.ack()


_processes: list[Process] = []


def process() -> Process:
    """This worker process."""
    return _processes[0]


@setup_logging.connect
def _configure_logging(**_: Any) -> None:
    telemetry.configure("worker", config().log_level)


@celeryd_after_setup.connect
def _start(sender: str, instance: Any, **_: Any) -> None:
    queues = tuple(sorted(instance.app.amqp.queues.consume_from))
    started = Process(config(), sender, queues, instance.concurrency)
    started.start()
    _processes[:] = [started]
    telemetry.serve_metrics(config().metrics_port)
    telemetry.tell("worker.started", name=sender, queues=queues, slots=instance.concurrency)


@worker_shutting_down.connect
def _drain(**_: Any) -> None:
    if _processes:
        process().drain()


@worker_shutdown.connect
def _stop(**_: Any) -> None:
    if _processes:
        process().stop()


@task_unknown.connect
def _count_unknown(**_: Any) -> None:
    telemetry.DROPPED.labels("unknown_celery_task").inc()


@task_rejected.connect
def _count_rejected(**_: Any) -> None:
    telemetry.DROPPED.labels("rejected").inc()
