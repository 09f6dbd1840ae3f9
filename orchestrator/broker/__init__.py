"""The Celery app: one direct queue per vendor, and a message that is nothing but an id.

Celery carries nudges and decides nothing: no retry, ETA, chord or result backend. Settings are those
that were measured or read in Celery's source (`ops/decisions/0004`).
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from celery import Celery
from kombu.entity import Exchange, Queue
from kombu.exceptions import KombuError
from kombu.transport import TRANSPORT_ALIASES
from redis.exceptions import RedisError

from orchestrator.config import config
from schemas.providers import CHORES_QUEUE, QUEUES

RUN: Final = "orchestrator.run"
CHORE: Final = "orchestrator.chore"
JOB: Final = "orchestrator.job"
_DEFAULT_URL: Final = "redis://127.0.0.1:6379/0"

# By alias, so that whoever reads the broker's URL (Flower, `inspect`) still sees `redis://`.
TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), "orchestrator.broker.transport:Transport"))


def _queue(name: str) -> Queue:
    return Queue(name, Exchange(name, type="direct"), routing_key=name)


def make_app(url: str | None) -> Celery:
    """A Celery app on this broker."""
    app = Celery("orchestrator", broker=url or _DEFAULT_URL, set_as_current=False)
    redis = (url or _DEFAULT_URL).startswith(("redis://", "rediss://"))
    app.conf.update(
        broker_transport_options=_REDIS if redis else {"confirm_publish": True},
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=2,
        broker_pool_acquire_timeout=1,
        accept_content=["json"],
        task_serializer="json",
        task_queues=[_queue(name) for name in (*QUEUES, CHORES_QUEUE)],
        task_create_missing_queues=False,
        task_default_queue=CHORES_QUEUE,
        task_acks_late=True,
        task_ignore_result=True,
        task_publish_retry=False,
        task_store_errors_even_if_ignored=False,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_enable_remote_control=True,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        worker_pool="threads",
        worker_concurrency=config().concurrency,
        worker_consumer="workers.celery:Consumer",
        enable_utc=True,
    )
    return app


_REDIS: Final[dict[str, Any]] = {
    "visibility_timeout": 7200,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
}


class Unpublished(Exception):
    """The broker did not take all nudges. Each may or may not have left, and is repeated."""


class Publisher:
    """Puts nudges on queues over one held connection. Blocking: call it in a thread, one at a time."""

    def __init__(self, url: str) -> None:
        self._app = make_app(url)
        self._refusals = _refusals(self._app)
        self._producer: Any = None

    def publish(self, celery_task: str, nudges: Iterable[tuple[str, str]]) -> None:
        """Nudge each (id, queue); the id is the message's only argument and its Celery id.

        Raises `Unpublished`.
        """
        try:
            for task_id, queue in nudges:
                self._send(celery_task, task_id, queue)
        except self._refusals as error:
            self.close()
            raise Unpublished(f"{type(error).__name__}: {error}") from error
        except BaseException:
            self.close()
            raise

    def _send(self, celery_task: str, task_id: str, queue: str) -> None:
        self._app.send_task(
            celery_task,
            args=(task_id,),
            task_id=task_id,
            queue=queue,
            producer=self._held(),
            ignore_result=True,
            retry=False,
        )

    def _held(self) -> Any:
        if self._producer is None:
            connection = self._app.connection_for_write(connect_timeout=2)
            connection.ensure_connection(max_retries=1, timeout=2)
            self._producer = connection.Producer()
        return self._producer

    def close(self) -> None:
        """Let the connection go; the next publish makes another."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(*self._refusals):
                producer.connection.release()


def _refusals(app: Celery) -> tuple[type[Exception], ...]:
    """What the app's transport raises when the broker doesn't do what it is asked."""
    connection = app.connection_for_write()
    known = (KombuError, RedisError, OSError, *connection.connection_errors, *connection.channel_errors)
    # Stock kombu counts this one in, for a race of its consumers; here it would be a mistake of ours.
    return tuple(error for error in known if error is not KeyError)
