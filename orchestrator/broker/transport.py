"""kombu's Redis transport, made to survive junk and a broker that refuses.

Stock kombu lets a list entry that is not its own JSON end the worker. Here such an entry is dropped
and counted; the ids it might have carried are repeated from Postgres anyway. Nor does a refusal (out of
memory, read-only, a key of the wrong type) end it: a broker that refuses is a lost one.
"""

import binascii
from contextlib import suppress
from queue import Empty
from typing import Any, Final

from kombu.transport import redis, virtual
from redis.exceptions import ConnectionError, RedisError, ResponseError  # noqa: A004 - kombu's lost connection

from orchestrator import telemetry

_NOT_JSON: Final = (ValueError, RecursionError)
_MALFORMED: Final = (KeyError, TypeError, AttributeError, ValueError, binascii.Error)


class QoS(redis.QoS):
    """What is not acknowledged yet."""

    def ack(self, delivery_tag: Any) -> None:
        """Acknowledge; a broker that refuses it keeps the message for later, but not the worker's slot."""
        try:
            super().ack(delivery_tag)
        except RedisError:
            virtual.QoS.ack(self, delivery_tag)
            raise

    def restore_visible(self, *given: Any, **named: Any) -> None:
        """Put back what was never acknowledged; where the broker refuses, the next time will do.

        Stock kombu does it while it connects, and loses the connection that it had opened.
        """
        with suppress(ResponseError):
            super().restore_visible(*given, **named)


class Channel(redis.Channel):
    """A channel that drops what it can't read."""

    QoS = QoS
    _made_for: Any = None
    _made: Any = None

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)
        except _NOT_JSON:
            _dropped("not_json")
            return True
        except self.connection_errors:
            # Stock kombu reads once more while it closes, and stops closing when that fails.
            if self._closing:
                raise Empty from None
            raise

    def close(self) -> None:
        """Close; what the broker refuses on the way does not keep connections open."""
        try:
            super().close()
        except self.connection_errors:
            self.closed = True
            if self._qos is not None:
                self._qos._on_collect.cancel()
        finally:
            self._disconnect_pools()
            self._close_clients()

    def _create_client(self, asynchronous: bool = False) -> Any:
        # Stock kombu makes a client for every publish and every acknowledgement.
        if asynchronous:
            return super()._create_client(asynchronous=True)
        if self._made_for is not self.pool:
            self._made_for, self._made = self.pool, super()._create_client()
        return self._made

    def _connparams(self, asynchronous: bool = False) -> Any:
        # A channel whose connection was collected fails in stock kombu with AttributeError, which ends the
        # worker if it happens while it lets go of a lost broker with messages unacknowledged.
        if self.connection is None or self.connection.client is None:
            raise ConnectionError("the broker was lost")
        return super()._connparams(asynchronous)


class Transport(redis.Transport):
    """A transport that drops what has not the shape of a message."""

    Channel = Channel
    # Stock kombu calls a refusal an error of the channel, which ends a Celery worker.
    connection_errors = (*redis.Transport.connection_errors, ResponseError)

    def _deliver(self, message: Any, queue: str) -> None:
        try:
            self.Channel.Message(message, channel=self.channels[0])
        except _MALFORMED:
            _dropped("not_a_message")
            return
        super()._deliver(message, queue)


def _dropped(why: str) -> None:
    telemetry.DROPPED.labels(why).inc()
    telemetry.warn("message.dropped", why=why)
