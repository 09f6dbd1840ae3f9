"""Everything that can go wrong on purpose, and why a vendor would say that it did."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from orchestrator.simulator.wire import Cause


class Fault(StrEnum):
    """What goes wrong with one request."""

    RATE_LIMITED = "429"
    QUOTA = "quota"
    SERVER_ERROR = "500"
    UNAVAILABLE = "503"
    OVERLOADED = "529"
    UNAUTHORISED = "401"
    PAYMENT = "402"
    FORBIDDEN = "403"
    MODEL_GONE = "404"
    TOO_LARGE = "413"
    BAD_REQUEST = "400"
    CONTEXT_TOO_LONG = "context_too_long"
    PROMPT_BLOCKED = "prompt_blocked"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    LENGTH = "length"
    CONTEXT_FULL = "context_full"
    NO_USAGE = "no_usage"
    STALL = "stall"
    NO_FIRST_TOKEN = "no_first_token"
    TRICKLE = "trickle"
    TRUNCATE = "truncate"
    DISCONNECT = "disconnect"
    MALFORMED = "malformed"
    EMPTY = "empty"
    OVERLOADED_IN_STREAM = "overloaded_in_stream"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    OUTAGE = "outage"


class Persona(StrEnum):
    """Who answers; all but `wrong` and `relapsing` answer well when asked to mend it.

    `v4a`, `unified` and `whole` answer well in other forms of edits; `careless` means well, and makes
    another mistake for each task; `relapsing` does so too, and every other time in mending as well.
    """

    SLOPPY = "sloppy"
    WRONG = "wrong"
    SYNTAX_ERROR = "syntax_error"
    MISQUOTE = "misquote"
    CARELESS = "careless"
    RELAPSING = "relapsing"
    V4A = "v4a"
    UNIFIED = "unified"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to one request; None leaves it as it would be."""

    fault: Fault | None = None
    persona: Persona | None = None
    latency_ms: float | None = None
    chunk_ms: float | None = None
    retry_after: float | None = None
    after_chunks: int | None = None
    served_by: str | None = None
    served_tier: str | None = None


REFUSALS: Final[dict[Fault, Cause]] = {
    Fault.RATE_LIMITED: Cause.RATE_LIMITED,
    Fault.QUOTA: Cause.QUOTA,
    Fault.SERVER_ERROR: Cause.SERVER_ERROR,
    Fault.UNAVAILABLE: Cause.UNAVAILABLE,
    Fault.OVERLOADED: Cause.OVERLOADED,
    Fault.UNAUTHORISED: Cause.WRONG_KEY,
    Fault.PAYMENT: Cause.PAYMENT,
    Fault.FORBIDDEN: Cause.FORBIDDEN,
    Fault.MODEL_GONE: Cause.MISSING_MODEL,
    Fault.TOO_LARGE: Cause.TOO_LARGE,
    Fault.BAD_REQUEST: Cause.BAD_REQUEST,
    Fault.CONTEXT_TOO_LONG: Cause.CONTEXT_TOO_LONG,
    Fault.PROMPT_BLOCKED: Cause.BLOCKED,
}
"""The faults that are plain errors; where a wire blocks prompts in an answer, that one is none."""
