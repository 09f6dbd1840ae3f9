"""The headers OpenAI sends with its answers: rates, retry hints, ids."""

import math

from orchestrator.simulator.rates import REQUESTS_PER_WINDOW, TOKENS_PER_WINDOW, Standing


def usual(request_id: str, processing_ms: int, standing: Standing) -> dict[str, str]:
    """What every answer carries."""
    reset = duration(standing.resets_in_seconds)
    return {
        "x-request-id": request_id,
        "openai-processing-ms": str(processing_ms),
        "openai-version": "2020-10-01",
        "x-ratelimit-limit-requests": str(REQUESTS_PER_WINDOW),
        "x-ratelimit-limit-tokens": str(TOKENS_PER_WINDOW),
        "x-ratelimit-remaining-requests": str(standing.requests_left),
        "x-ratelimit-remaining-tokens": str(standing.tokens_left),
        "x-ratelimit-reset-requests": reset,
        "x-ratelimit-reset-tokens": reset,
    }


def retry(seconds: float, limited: bool) -> dict[str, str]:
    """When to come again; for a rate limit the rate headers say the same."""
    headers = {"retry-after": str(math.ceil(seconds)), "retry-after-ms": str(math.ceil(seconds * 1000))}
    if limited:
        headers |= {
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": duration(seconds),
        }
    return headers


def duration(seconds: float) -> str:
    """A span as OpenAI writes it: `20ms`, `7.5s`, `6m0s`."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    return f"{int(minutes)}m{round(rest, 3):g}s" if minutes else f"{rest:g}s"
