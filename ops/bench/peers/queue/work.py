"""The Celery application and its one task."""

import os
from typing import Any, Final

import httpx
import redis
from celery import Celery
from genai_prices import Usage, calc_price

from ops.bench.peers.plain.answer import applied, messages

MODEL: Final = "gpt-5-mini"
LEDGER: Final = "ledger"

app: Any = Celery("queue", broker=os.environ["PEER_REDIS_URL"], backend=os.environ["PEER_REDIS_URL"])
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    # Ten times the longest task: what a dead worker held is delivered again after this.
    broker_transport_options={"visibility_timeout": 20},
    result_expires=3600,
)


def _run(self: Any, context: dict[str, Any]) -> dict[str, Any]:
    reply = _asked(str(self.request.id), context)
    files = {file["path"]: file["content"] for file in context["files"]}
    usage = Usage(
        input_tokens=reply["usage"]["prompt_tokens"], output_tokens=reply["usage"]["completion_tokens"]
    )
    cost = str(calc_price(usage, reply["model"], provider_id="openai").total_price)
    result = applied(files, reply["choices"][0]["message"]["content"])
    redis.Redis.from_url(os.environ["PEER_REDIS_URL"]).rpush(LEDGER, f"{self.request.id} {cost}")
    return {**result, "cost": cost}


def _asked(task_id: str, context: dict[str, Any]) -> dict[str, Any]:
    body = {"model": MODEL, "messages": messages(context), "max_completion_tokens": 16_000}
    headers = {
        "Authorization": f"Bearer {os.environ['ORCHESTRATOR_SIMULATOR_KEY']}",
        "X-Client-Request-Id": task_id,
    }
    url = f"{os.environ['PEER_PROVIDER_URL']}/chat/completions"
    response = httpx.post(url, json=body, headers=headers, timeout=60, trust_env=False)
    response.raise_for_status()
    reply: dict[str, Any] = response.json()
    return reply


run = app.task(bind=True, name="run", autoretry_for=(httpx.HTTPError,), retry_backoff=True, max_retries=4)(
    _run
)
