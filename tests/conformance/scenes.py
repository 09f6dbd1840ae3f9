"""What a provider may do to us, what we must take it for, and what must be booked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from schemas.errors import Category


class Charge(StrEnum):
    """What is booked: nothing, what the usage costs, or the hold because nobody told the usage."""

    NOTHING = "nothing"
    USAGE = "usage"
    HOLD = "hold"


@dataclass(frozen=True)
class Scene:
    """A rule for the simulator; `category` None is a complete answer."""

    name: str
    rule: Mapping[str, Any]
    category: Category | None
    charge: Charge
    retry_after: float | None = None
    preferences: Mapping[str, Any] = field(default_factory=dict)


def _fault(name: str, category: Category | None, charge: Charge, **more: Any) -> Scene:
    given = {key: more.pop(key) for key in ("retry_after", "preferences") if key in more}
    rule = {"fault": name} | more | ({"retry_after": given["retry_after"]} if "retry_after" in given else {})
    title = "_".join([name, *(str(key) for key in more)])
    return Scene(title, rule, category, charge, **given)


SCENES: Final = (
    Scene("answer", {}, None, Charge.USAGE),
    Scene("answer_in_pieces", {"chunk_ms": 2}, None, Charge.USAGE),
    _fault("429", Category.RATE_LIMITED, Charge.NOTHING, retry_after=7.0),
    _fault("quota", Category.QUOTA_EXHAUSTED, Charge.NOTHING),
    _fault("500", Category.SERVER_ERROR, Charge.NOTHING),
    _fault("503", Category.SERVER_ERROR, Charge.NOTHING),
    _fault("529", Category.OVERLOADED, Charge.NOTHING),
    _fault("401", Category.UNAUTHORIZED, Charge.NOTHING),
    _fault("400", Category.BAD_REQUEST, Charge.NOTHING),
    _fault("context_too_long", Category.CONTEXT_TOO_LONG, Charge.NOTHING),
    _fault("outage", Category.CONNECT_ERROR, Charge.HOLD),
    _fault("content_filter", Category.CONTENT_FILTERED, Charge.USAGE),
    _fault("length", Category.OUTPUT_LIMIT, Charge.USAGE),
    _fault("no_usage", None, Charge.HOLD),
    _fault("stall", Category.FIRST_TOKEN_TIMEOUT, Charge.HOLD),
    _fault("stall", Category.IDLE_TIMEOUT, Charge.HOLD, after_chunks=2),
    _fault("no_first_token", Category.FIRST_TOKEN_TIMEOUT, Charge.HOLD),
    _fault("trickle", Category.TOTAL_TIMEOUT, Charge.HOLD, chunk_ms=300, preferences={"timeout_seconds": 1}),
    _fault("truncate", Category.TRUNCATED, Charge.HOLD),
    _fault("disconnect", Category.TRUNCATED, Charge.HOLD),
    _fault("malformed", Category.MALFORMED, Charge.HOLD),
    _fault("empty", Category.TRUNCATED, Charge.HOLD),
    _fault("overloaded_in_stream", Category.OVERLOADED, Charge.HOLD),
    _fault("wrong_content_type", Category.MALFORMED, Charge.HOLD),
)
