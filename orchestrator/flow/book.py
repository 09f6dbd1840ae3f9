"""Book: commit a call's outcome and its money as soon as the response ends.

Not fenced: the money was spent whoever we are. Idempotent by call id: the first to book wins.
"""

from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

import orjson

from orchestrator import telemetry
from orchestrator.flow.intend import Intent
from orchestrator.limits.budgets import tell_crossed
from orchestrator.store import calls, tasks
from orchestrator.wiring import Parts
from schemas.calls import CallStatus, Cost, Usage, dollars
from schemas.errors import Category, Failure
from schemas.events import EventName
from schemas.moves import Happening
from schemas.providers import Provider

MOST_USAGE: Final = 16 * 1024
"""Bytes of a vendor's own words on usage that are kept with a call, as JSON."""

_DEEPEST_USAGE: Final = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended.

    `answer` where it is complete, else `failure`. `usage` None: the vendor said nothing of usage.
    `raw_usage` that can't be kept gives way to an object that says why.
    `cost` None: charge the hold and mark it estimated. `first_token_after` and `seconds` are
    durations since the intent. `cut`: the answer is complete up to the limit of output tokens it was given.
    """

    answer: str | None
    failure: Failure | None
    usage: Usage | None
    raw_usage: dict[str, Any] | None
    cost: Cost | None
    served_model: str | None
    served_tier: str | None
    http_status: int | None
    request_id: str | None
    first_token_after: float | None
    seconds: float
    cut: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "raw_usage", _kept_usage(self.raw_usage))

    @classmethod
    def at_hold(cls, http_status: int | None, first_token_after: float | None, seconds: float) -> Self:
        """A call whose answer can't be reckoned or kept: nothing that its provider said is in it."""
        message = "The provider's answer was malformed: it can't be reckoned or kept."
        failure = Failure(category=Category.MALFORMED, message=message)
        return cls(None, failure, None, None, None, None, None, http_status, None, first_token_after, seconds)


async def book(parts: Parts, task_id: UUID, provider: Provider, intent: Intent, outcome: Outcome) -> bool:
    """Commit the outcome; False if another had booked this call already."""
    happenings = _happenings(intent, outcome)
    params = {"task_id": task_id, **_params(intent, outcome), **tasks.event_arrays(happenings)}
    rows = await tasks.rows_of(parts.db, calls.BOOK, params)
    if not rows:
        return False
    _count(provider, outcome, rows[0].cost_nanos)
    telemetry.emit(task_id, happenings)
    tell_crossed(rows)
    return True


def _params(intent: Intent, outcome: Outcome) -> dict[str, Any]:
    usage, cost, failure = outcome.usage, outcome.cost, outcome.failure
    return {
        "id": intent.call_id,
        "status": CallStatus.FAILED if failure else CallStatus.ANSWERED,
        "served_model": _storable(outcome.served_model),
        "served_tier": _storable(outcome.served_tier),
        "cost_nanos": cost.nanos if cost else None,
        "estimated": cost.estimated if cost else True,
        "price_source": cost.source if cost else "hold",
        "price_version": cost.version if cost else "1",
        "usage": _as_json(outcome.raw_usage),
        "input_tokens": usage.input_tokens if usage else None,
        "cached_tokens": usage.cached_tokens if usage else None,
        "cache_write_tokens": usage.cache_write_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "reasoning_tokens": usage.reasoning_tokens if usage else None,
        "http_status": outcome.http_status,
        "request_id": _storable(outcome.request_id),
        "category": failure.category if failure else Category.OUTPUT_LIMIT if outcome.cut else None,
        "message": _storable(failure.message[:2000]) if failure else None,
        "first_token_after": outcome.first_token_after,
        "answer": _storable(outcome.answer),
    }


def _storable(text: str | None) -> str | None:
    """Postgres keeps neither a NUL nor half a character, and money must be booked whatever was answered."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode() if text else text


def _kept_usage(told: Any) -> dict[str, Any] | None:
    """What a vendor told of usage if it can be kept as it is, else what stands in for it and says why."""
    if not told:
        return None
    why = _unkept(told)
    return {"left_out": f"What the provider told of usage {why}."} if why else dict(told)


def _unkept(told: Any) -> str | None:
    if not isinstance(told, dict):
        return "is no object"
    try:
        size = len(written := orjson.dumps(told))
    except (TypeError, ValueError, RecursionError):
        return "is nested too deeply or has a number of more than 64 bits"
    if size > MOST_USAGE:
        return f"is larger than {MOST_USAGE} bytes"
    if b"\\u0000" in written:
        return "has a NUL in it"
    return None if _is_shallow(told, _DEEPEST_USAGE) else f"is nested more than {_DEEPEST_USAGE} levels deep"


def _is_shallow(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return inner is None or (levels > 0 and all(_is_shallow(each, levels - 1) for each in inner))


def _as_json(usage: dict[str, Any] | None) -> str | None:
    return orjson.dumps(usage).decode() if usage else None


def _happenings(intent: Intent, outcome: Outcome) -> tuple[Happening, ...]:
    call = {"call_id": str(intent.call_id)}
    cost = outcome.cost.nanos if outcome.cost else intent.hold_nanos
    happenings = [Happening(EventName.FIRST_TOKEN, call)] if outcome.first_token_after is not None else []
    if cost > intent.hold_nanos:
        exceeded = {**call, "hold_usd": dollars(intent.hold_nanos), "cost_usd": dollars(cost)}
        happenings.append(Happening(EventName.HOLD_EXCEEDED, exceeded))
    if outcome.failure is not None:
        data = {**call, "category": str(outcome.failure.category), "cost_usd": dollars(cost)}
        return (*happenings, Happening(EventName.CALL_FAILED, data))
    usage = outcome.usage or Usage()
    tokens = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    answered = Happening(EventName.CALL_ANSWERED, {**call, **tokens, "cost_usd": dollars(cost)})
    return (*happenings, answered, Happening(EventName.VERIFYING, call))


def _count(provider: Provider, outcome: Outcome, cost_nanos: int) -> None:
    model = outcome.served_model or provider.model
    status = CallStatus.FAILED if outcome.failure else CallStatus.ANSWERED
    category = outcome.failure.category if outcome.failure else ""
    telemetry.CALLS.labels(provider.vendor, model, status, category).inc()
    telemetry.CALL_SECONDS.labels(provider.vendor).observe(outcome.seconds)
    telemetry.COST.labels(provider.vendor, model).inc(cost_nanos)
    if outcome.usage:
        telemetry.TOKENS.labels(provider.vendor, model, "input").inc(outcome.usage.input_tokens)
        telemetry.TOKENS.labels(provider.vendor, model, "output").inc(outcome.usage.output_tokens)
