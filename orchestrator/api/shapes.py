"""From the store's views to the wire shapes of `schemas.api`, as dictionaries ready for orjson.

Stored JSON (a result, a request) is passed through as it is, unparsed.
"""

from typing import Any

import orjson

from orchestrator.store.views import CallRow, ChildRow, Outcome, State, TaskRow
from schemas.calls import dollars

BASE = "/api/v1"


def raw(stored: str | None) -> orjson.Fragment | None:
    """Stored JSON, to be put into a body as it is."""
    return orjson.Fragment(stored) if stored is not None else None


def task_shape(row: TaskRow, include: frozenset[str] = frozenset()) -> dict[str, Any]:
    """A `TaskView`."""
    shape = {
        "id": row.id,
        "kind": row.kind,
        "status": row.status,
        "status_reason": row.status_reason,
        "next_attempt_at": row.next_attempt_at,
        "priority": row.priority,
        "provider": row.candidate["name"],
        "vendor": row.candidate["vendor"],
        "simulated": row.simulated,
        "attempt": row.attempt,
        "failures": row.failures,
        "crashes": row.crashes,
        "labels": row.labels,
        "metadata": row.metadata,
        "user_id": row.user_id,
        "session_id": row.session_id,
        "retry_of": row.retry_of,
        "parent_id": row.parent_id,
        "consensus": row.consensus,
        "deadline": row.deadline,
        "run_at": row.run_at,
        "created_at": row.created_at,
        "queued_at": row.queued_at,
        "started_at": row.started_at,
        "canceling_at": row.canceling_at,
        "finished_at": row.finished_at,
        "error": row.error,
        "quality": row.quality,
        "cost": cost_shape(row),
        "usage": _usage(row),
        "links": links(row),
    }
    if "result" in include:
        shape["result"] = raw(row.result)
    if "request" in include:
        shape["request"] = raw(row.request)
    return shape


def cost_shape(row: TaskRow) -> dict[str, Any]:
    """A `TaskCost`."""
    return {"usd": dollars(row.nanos), "estimated": row.estimated, "calls": row.calls}


def _usage(row: TaskRow) -> dict[str, int]:
    return {
        "input_tokens": row.input_tokens,
        "cached_tokens": row.cached_tokens,
        "output_tokens": row.output_tokens,
        "reasoning_tokens": row.reasoning_tokens,
        "served_tokens": row.served_tokens,
    }


def child_shape(row: ChildRow) -> dict[str, Any]:
    """A `ChildView`."""
    return {
        "id": row.id,
        "provider": row.provider,
        "vendor": row.vendor,
        "model": row.model,
        "status": row.status,
        "error": row.error,
        "cost_usd": dollars(row.nanos),
        "estimated": row.estimated,
        "links": links(row),
    }


def links(state: State | ChildRow) -> dict[str, str]:
    """Where to go from a task."""
    path = f"{BASE}/tasks/{state.id}"
    return {"self": path} | {
        name: f"{path}/{name}" for name in ("status", "result", "events", "calls", "cancel")
    }


def status_shape(state: State) -> dict[str, Any]:
    """A `StatusView`."""
    return {
        "id": state.id,
        "kind": state.kind,
        "status": state.status,
        "status_reason": state.status_reason,
        "next_attempt_at": state.next_attempt_at,
        "attempt": state.attempt,
        "last_event_id": state.event_seq,
        "created_at": state.created_at,
        "started_at": state.started_at,
        "finished_at": state.finished_at,
    }


def result_shape(outcome: Outcome) -> dict[str, Any]:
    """A `ResultView`."""
    return {
        "id": outcome.id,
        "kind": outcome.kind,
        "status": outcome.status,
        "finished_at": outcome.finished_at,
        "error": outcome.error,
        "quality": outcome.quality,
        "result": raw(outcome.result),
    }


def call_shape(row: CallRow) -> dict[str, Any]:
    """A `CallView`."""
    return {
        "id": row.id,
        "task_id": row.task_id,
        "attempt": row.attempt,
        "purpose": row.purpose,
        "provider": row.provider,
        "vendor": row.vendor,
        "model": row.model,
        "served_model": row.served_model,
        "status": row.status,
        "verdict": row.verdict,
        "category": row.category,
        "message": row.message,
        "http_status": row.http_status,
        "provider_request_id": row.request_id,
        "cost_usd": dollars(row.hold_nanos if row.cost_nanos is None else row.cost_nanos),
        "estimated": row.estimated or row.cost_nanos is None,
        "price_source": row.price_source,
        "price_version": row.price_version,
        "input_tokens": row.input_tokens,
        "cached_tokens": row.cached_tokens,
        "output_tokens": row.output_tokens,
        "reasoning_tokens": row.reasoning_tokens,
        "started_at": row.started_at,
        "first_token_at": row.first_token_at,
        "ended_at": row.ended_at,
    }


def page_shape(data: list[Any], next_cursor: str | None) -> dict[str, Any]:
    """A `Page`."""
    return {"data": data, "has_more": next_cursor is not None, "next_cursor": next_cursor}
