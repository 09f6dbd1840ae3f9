"""kombu's Redis transport, made to survive junk.

Stock kombu lets a list entry that is not its own JSON end the worker. Here such an entry is dropped
and counted; the ids it might have carried are repeated from Postgres anyway.
"""

import binascii
from typing import Any, Final

from kombu.transport import redis
from redis.exceptions import ConnectionError  # noqa: A004 - what kombu takes for a lost connection

from orchestrator import telemetry

_NOT_JSON: Final = (ValueError, RecursionError)
_MALFORMED: Final = (KeyError, TypeError, AttributeError, ValueError, binascii.Error)


class Channel(redis.Channel):
    """A channel that drops what it can't read."""

    _made_for: Any = None
    _made: Any = None

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)
        except _NOT_JSON:
            _dropped("not_json")
            return True

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
