"""What a provider may do to us, what we must take it for, and what must be booked, on every wire."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    """A rule for the simulator; `category` None is a complete answer.

    `elsewhere` holds what the scene is on a wire whose vendor says something else.
    """

    name: str
    rule: Mapping[str, Any]
    category: Category | None
    charge: Charge
    retry_after: float | None = None
    preferences: Mapping[str, Any] = field(default_factory=dict)
    elsewhere: Mapping[str, tuple[Category | None, Charge]] = field(default_factory=dict)

    def on(self, wire: str) -> "Scene":
        """The scene as it is on that wire."""
        if wire not in self.elsewhere:
            return self
        category, charge = self.elsewhere[wire]
        return replace(self, category=category, charge=charge)


def _fault(name: str, category: Category | None, charge: Charge, **more: Any) -> Scene:
    given = {key: more.pop(key) for key in ("retry_after", "preferences", "elsewhere") if key in more}
    rule = {"fault": name} | more | ({"retry_after": given["retry_after"]} if "retry_after" in given else {})
    title = "_".join([name, *(str(key) for key in more)])
    return Scene(title, rule, category, charge, **given)


_FREE: Final = Charge.NOTHING
_ANSWERED: Final = (None, Charge.USAGE)
"""Ollama has no filter and no word for a refusal: what comes is an answer."""

SCENES: Final = (
    Scene("answer", {}, None, Charge.USAGE),
    Scene("answer_in_pieces", {"chunk_ms": 2}, None, Charge.USAGE),
    Scene("slow", {"latency_ms": 500}, None, Charge.USAGE),
    _fault("429", Category.RATE_LIMITED, _FREE, retry_after=7.0),
    _fault("quota", Category.QUOTA_EXHAUSTED, _FREE),
    _fault("500", Category.SERVER_ERROR, _FREE),
    _fault(
        "503",
        Category.SERVER_ERROR,
        _FREE,
        elsewhere={"gemini": (Category.OVERLOADED, _FREE), "ollama": (Category.OVERLOADED, _FREE)},
    ),
    _fault("529", Category.OVERLOADED, _FREE),
    _fault("401", Category.UNAUTHORIZED, _FREE),
    _fault("402", Category.QUOTA_EXHAUSTED, _FREE),
    _fault("403", Category.UNAUTHORIZED, _FREE),
    _fault("404", Category.MODEL_NOT_FOUND, _FREE),
    _fault("413", Category.CONTEXT_TOO_LONG, _FREE),
    _fault("400", Category.BAD_REQUEST, _FREE),
    _fault("context_too_long", Category.CONTEXT_TOO_LONG, _FREE),
    _fault(
        "prompt_blocked",
        Category.CONTENT_FILTERED,
        _FREE,
        elsewhere={
            "gemini": (Category.CONTENT_FILTERED, Charge.USAGE),
            "ollama": (Category.BAD_REQUEST, _FREE),
        },
    ),
    _fault("outage", Category.CONNECT_ERROR, Charge.HOLD),
    _fault("content_filter", Category.CONTENT_FILTERED, Charge.USAGE, elsewhere={"ollama": _ANSWERED}),
    _fault("refusal", Category.CONTENT_FILTERED, Charge.USAGE, elsewhere={"ollama": _ANSWERED}),
    _fault("length", Category.OUTPUT_LIMIT, Charge.USAGE),
    _fault(
        "context_full",
        Category.OUTPUT_LIMIT,
        Charge.USAGE,
        elsewhere={"anthropic_messages": (Category.CONTEXT_TOO_LONG, Charge.USAGE)},
    ),
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

NOT_YET: Final[Mapping[tuple[str, str], str]] = {}
"""Scenes that a wire is known to fail, and why; one that it passes after all is an error too."""
