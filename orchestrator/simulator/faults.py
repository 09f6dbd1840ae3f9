"""Everything that can go wrong on purpose, and the errors a vendor would send for it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from orchestrator.simulator.wire import Refusal, Refused


class Fault(StrEnum):
    """What goes wrong with one request."""

    RATE_LIMITED = "429"
    QUOTA = "quota"
    SERVER_ERROR = "500"
    UNAVAILABLE = "503"
    OVERLOADED = "529"
    UNAUTHORISED = "401"
    BAD_REQUEST = "400"
    CONTEXT_TOO_LONG = "context_too_long"
    CONTENT_FILTER = "content_filter"
    LENGTH = "length"
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
    """What kind of bad answer is given; all but `wrong` answer well when asked to mend it."""

    SLOPPY = "sloppy"
    WRONG = "wrong"
    SYNTAX_ERROR = "syntax_error"
    MISQUOTE = "misquote"


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


INVALID_KEY: Final = Refusal(
    401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided (simulated)."
)
REFUSALS: Final[dict[Fault, Refusal]] = {
    Fault.RATE_LIMITED: Refusal(429, "requests", "rate_limit_exceeded", "Rate limit reached (simulated)."),
    Fault.QUOTA: Refusal(
        429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota (simulated)."
    ),
    Fault.SERVER_ERROR: Refusal(500, "server_error", None, "The server had an error (simulated)."),
    Fault.UNAVAILABLE: Refusal(503, "server_error", None, "The engine is overloaded (simulated)."),
    Fault.OVERLOADED: Refusal(529, "overloaded_error", "overloaded", "Overloaded (simulated)."),
    Fault.OVERLOADED_IN_STREAM: Refusal(
        503, "server_error", "server_is_overloaded", "The engine is overloaded (simulated)."
    ),
    Fault.UNAUTHORISED: INVALID_KEY,
    Fault.BAD_REQUEST: Refusal(400, "invalid_request_error", None, "Invalid request (simulated)."),
    Fault.CONTEXT_TOO_LONG: Refusal(
        400,
        "invalid_request_error",
        "context_length_exceeded",
        "This model's maximum context length is exceeded (simulated).",
        "messages",
    ),
}


def missing_model(name: str) -> Refused:
    """The vendor knows no such model."""
    message = f"The model `{name}` does not exist or you do not have access to it."
    return Refused(Refusal(404, "invalid_request_error", "model_not_found", message, "model"))


def invalid(message: str, param: str | None = None, code: str | None = None) -> Refused:
    """The request is not as the vendor wants it."""
    return Refused(Refusal(400, "invalid_request_error", code, message, param))
