"""Celery's consumer, which drops and counts a message it can't decode without printing its body."""

from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer

from orchestrator import telemetry


class Consumer(CeleryConsumer):  # type: ignore[misc]
    """The consumer that the `worker_consumer` setting names."""

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Acknowledge and count a message of a content type or encoding that is not accepted."""
        telemetry.DROPPED.labels("undecodable").inc()
        telemetry.warn("message.dropped", why="undecodable", error=type(exc).__name__)
        message.ack()
