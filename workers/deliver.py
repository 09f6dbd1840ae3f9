"""Deliver: webhooks out, as Standard Webhooks asks (ids, timestamps and signatures in headers).

The address is resolved and checked for each delivery, and the checked address is the one called.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
from typing import Final
from urllib.parse import urlsplit

import orjson

from orchestrator import clock
from orchestrator.flow.notify import Delivery, Sent
from orchestrator.http.addresses import AddressRefused, HostUnknown, guarded
from orchestrator.http.transport import TransportError
from orchestrator.wiring import Parts

TIMEOUT: Final = 15.0
_GONE: Final = 410


async def deliver(parts: Parts, delivery: Delivery) -> Sent:
    """Send one webhook; anything but a 2xx within 15 s, looking up its host included, is a failure."""
    try:
        async with asyncio.timeout(TIMEOUT):
            status = await _post(parts, delivery)
    except AddressRefused as error:
        return Sent(False, None, str(error), final=not isinstance(error, HostUnknown))
    except (TransportError, TimeoutError) as error:
        return Sent(False, None, f"{type(error).__name__}: {error}")
    return Sent(200 <= status < 300, status, f"HTTP {status}", final=status == _GONE)


async def _post(parts: Parts, delivery: Delivery) -> int:
    url, host = await guarded(delivery.url, allow_private=parts.config.allow_private_webhooks)
    body = payload(delivery)
    headers = {"Host": host, "Content-Type": "application/json", **signed(delivery, body)}
    extensions = {"sni_hostname": urlsplit(delivery.url).hostname}
    opening = parts.http.anywhere().stream("POST", url, content=body, headers=headers, extensions=extensions)
    async with opening as response:  # whatever it answers beyond a status is left unread
        return response.status_code


def payload(delivery: Delivery) -> bytes:
    """The body: what happened to which task; the result is fetched from the API."""
    return orjson.dumps(
        {
            "type": delivery.event,
            "timestamp": delivery.finished_at.isoformat(),
            "data": {
                "task_id": str(delivery.task_id),
                "kind": delivery.kind,
                "status": delivery.status,
                "error": delivery.error,
            },
        }
    )


def signed(delivery: Delivery, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks."""
    stamp = str(int(clock.now().timestamp()))
    try:
        key = base64.b64decode(delivery.secret.removeprefix("whsec_"))
    except binascii.Error:
        key = delivery.secret.encode()
    content = f"{delivery.id}.{stamp}.".encode() + body
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": str(delivery.id),
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature}",
    }
