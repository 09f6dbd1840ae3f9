"""The worker: one Celery task that calls the provider and keeps what comes of it."""

import os
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import httpx
from celery import Celery
from genai_prices import Usage, calc_price

from ops.bench.peers.plain.answer import applied, messages
from ops.bench.peers.plain.tables import Session, Task, now

MODEL: Final = "gpt-5-mini"

app: Any = Celery("plain", broker=os.environ["PLAIN_BROKER_URL"])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)
client = httpx.Client(
    base_url=os.environ["PLAIN_PROVIDER_URL"],
    headers={"Authorization": f"Bearer {os.environ['ORCHESTRATOR_SIMULATOR_KEY']}"},
    timeout=httpx.Timeout(60, connect=5),
    limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
    trust_env=False,
)


def _run(task_id: str) -> None:
    with Session(expire_on_commit=False) as session:
        task = session.get(Task, UUID(task_id))
        if task is None or task.finished_at is not None:
            return
        task.status, task.started_at = "running", now()
        session.commit()
    reply = _asked(task)
    with Session() as session:
        session.add(task)
        _finish(task, reply)
        session.commit()


def _asked(task: Task) -> dict[str, Any]:
    body = {"model": MODEL, "messages": messages(task.context), "max_completion_tokens": 16_000}
    response = client.post("/chat/completions", json=body)
    response.raise_for_status()
    reply: dict[str, Any] = response.json()
    return reply


def _finish(task: Task, reply: dict[str, Any]) -> None:
    files = {file["path"]: file["content"] for file in task.context["files"]}
    try:
        task.result = applied(files, reply["choices"][0]["message"]["content"])
        task.status = "succeeded"
    except ValueError as error:
        task.status, task.error = "failed", str(error)
    task.input_tokens = reply["usage"]["prompt_tokens"]
    task.output_tokens = reply["usage"]["completion_tokens"]
    usage = Usage(input_tokens=task.input_tokens, output_tokens=task.output_tokens)
    task.cost = Decimal(calc_price(usage, reply["model"], provider_id="openai").total_price)
    task.finished_at = now()


run = app.task(name="run", autoretry_for=(httpx.HTTPError,), retry_backoff=True, max_retries=4)(_run)
