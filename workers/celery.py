"""The Celery side of a worker process: makes it when the worker starts, drains it when it stops."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from celery import Celery, bootsteps
from celery.signals import (
    celeryd_after_setup,
    setup_logging,
    task_rejected,
    task_unknown,
    worker_shutdown,
    worker_shutting_down,
)
from celery.worker import state
from celery.worker.consumer import Consumer as CeleryConsumer

from orchestrator import clock, telemetry
from orchestrator.broker import make_app
from orchestrator.config import config
from workers.process import Process

app: Celery = make_app(config().broker_url)
app.set_default()
app.conf.imports = ("workers.tasks",)


_GARBLED = (TypeError, ValueError, AttributeError, LookupError)


_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0
_CALM_SECONDS = 10.0


class Consumer(CeleryConsumer):
    """Celery's consumer, which drops and counts what it can't read without printing its body.

    A broker that takes connections and refuses what is asked on them is asked ever less often.
    """

    _lost_at = float("-inf")
    _pause = 0.0

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """Say so, and wait."""
        super().on_connection_error_before_connected(exc)
        self._wait()

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Let go of the connection, say so, and wait."""
        super().on_connection_error_after_connected(exc)
        self._wait()

    def _wait(self) -> None:
        calm = clock.monotonic() - self._lost_at > _CALM_SECONDS
        self._pause = _FIRST_PAUSE if calm else min(_LONGEST_PAUSE, 2 * self._pause)
        clock.pause(self._pause)
        self._lost_at = clock.monotonic()

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Acknowledge and count a message of a content type or encoding that is not accepted."""
        _drop(message, "undecodable", exc)

    def create_task_handler(self, *given: Any, **named: Any) -> Callable[[Any], None]:
        """Celery's own handler; what garbles it (stock Celery ends then) is dropped and counted."""
        handle = super().create_task_handler(*given, **named)

        def take(message: Any) -> None:
            try:
                handle(message)
            except _GARBLED as error:
                _drop(message, "garbled", error)

        return take


def _drop(message: Any, why: str, error: Exception) -> None:
    telemetry.DROPPED.labels(why).inc()
    telemetry.warn("message.dropped", why=why, error=type(error).__name__)
    if not message.acknowledged:
        message.ack()


class WarmStops(bootsteps.StartStopStep):
    """Every stop is a warm one, with the grace period, however often and by whichever signal it is asked.

    Celery's own handlers turn a second Ctrl-C, or SIGQUIT, into a cold stop: with threads it hands
    messages back whose tasks still run, and waits for them for ever.
    """

    def start(self, parent: Any) -> None:
        """Replace Celery's handlers, which are in place by now."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, _asked_to_stop)

    def close(self, parent: Any) -> None:
        """Drain for whatever reason the worker stops."""
        _drain()


app.steps["worker"].add(WarmStops)


def _asked_to_stop(number: int, frame: FrameType | None) -> None:
    _drain()
    state.should_stop = os.EX_OK


_processes: list[Process] = []


def process() -> Process:
    """This worker process."""
    return _processes[0]


@setup_logging.connect
def _configure_logging(**_: Any) -> None:
    telemetry.configure("worker", config().log_level)


@celeryd_after_setup.connect
def _start(sender: str, instance: Any, **_: Any) -> None:
    missing = [name for name in ("database_url", "broker_url") if getattr(config(), name) is None]
    if missing:
        named = " and ".join(f"ORCHESTRATOR_{name.upper()}" for name in missing)
        sys.exit(f"A worker needs {named}; `orchestrator env` prints those of a running `orchestrator up`.")
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
