"""Webhooks are signed as Standard Webhooks asks."""

import asyncio
import base64
import hashlib
import hmac
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest

from orchestrator.config import Config
from orchestrator.flow.notify import Delivery
from orchestrator.http.clients import Clients
from orchestrator.secrets import KeyRing
from orchestrator.store.engine import Database
from orchestrator.volatile import Volatile
from orchestrator.volatile.answers import AnswerCache
from orchestrator.wiring import Parts
from workers import deliver as sending
from workers.deliver import deliver, payload, signed


def delivery(secret: str) -> Delivery:
    return Delivery(
        id=UUID(int=1), task_id=UUID(int=2), event="task.failed", kind="fix_bug", status="failed",
        error={"code": "x"}, finished_at=datetime(2026, 11, 20, tzinfo=UTC), url="https://x", secret=secret,
    )  # fmt: skip


@pytest.mark.parametrize("key", [b"k" * 24, bytes(range(64))])
def test_the_signature_covers_id_time_and_body(key: bytes) -> None:
    given = delivery("whsec_" + base64.b64encode(key).decode())
    headers = signed(given, b"body")
    content = f"{given.id}.{headers['webhook-timestamp']}.body".encode()
    digest = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"
    assert headers["webhook-id"] == str(given.id)


def test_a_secret_that_is_no_base64_signs_as_it_is_written() -> None:
    assert signed(delivery("whsec_A"), b"")["webhook-signature"].startswith("v1,")


def test_the_body_names_the_task_and_carries_no_secret() -> None:
    told = orjson.loads(payload(delivery("whsec_secret")))
    assert told["type"] == "task.failed"
    assert told["timestamp"] == "2026-11-20T00:00:00+00:00"
    assert told["data"] == {
        "task_id": str(UUID(int=2)), "kind": "fix_bug", "status": "failed", "error": {"code": "x"},
    }  # fmt: skip


async def test_a_name_server_that_does_not_answer_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def look_up(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
    monkeypatch.setattr(sending, "TIMEOUT", 0.01)
    parts = Parts(
        Config(),
        Database("postgresql://x", pool_size=1, name="t"),
        Volatile("redis://x"),
        Clients(1),
        KeyRing(Config()),
        AnswerCache("redis://x", 0, 0),
    )
    sent = await deliver(parts, delivery("whsec_" + "A" * 32))
    assert (sent.ok, sent.final, sent.message) == (False, False, "TimeoutError: ")
