"""One request, repeated until it is answered: connection errors, 502–504 and 429, with full jitter.

A server's Retry-After is a minimum. Repeating is always safe: what makes a task carries an
Idempotency-Key, and everything else says the same thing twice.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from orchestrator.client import errors
from orchestrator.client.given import query

REPEATED: Final = frozenset({429, 502, 503, 504})
_BASE_SECONDS: Final = 0.25
_CAP_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Patience:
    """How often a request is sent, the longest wait between two tries, and the longest outage of the API
    that a wait for a task sits through; in seconds."""

    tries: int = 6
    longest: float = 60.0
    outage: float = 120.0
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Sender:
    """Sends requests over one HTTP client."""

    http: httpx.Client
    patience: Patience

    def send(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> httpx.Response:
        """The response with a status below 400; raises `Unreachable`, `Unreadable` or an `ApiError`.

        `content` is JSON.
        """
        sent = {"Content-Type": "application/json"} if content is not None else {}
        request = self.http.build_request(
            method,
            path,
            content=content,
            params=query(params),
            headers=sent | dict(headers or {}),
            timeout=_timeout(self.http, timeout),
        )
        for left in reversed(range(self.patience.tries)):
            try:
                response = self.http.send(request)
            except httpx.TransportError as error:
                if not left:
                    raise errors.Unreachable(_unreached(self.http, error)) from error
                wait = self._backoff(left)
            except httpx.DecodingError as error:
                raise errors.Unreadable(f"{method} {path}: the answer can't be decoded: {error}") from error
            else:
                if response.status_code < 400:
                    return response
                refusal = refused(response)
                wait = max(self._backoff(left), refusal.retry_after or 0)
                if not left or response.status_code not in REPEATED or wait > self.patience.longest:
                    raise refusal
            self.patience.sleep(wait)
        raise errors.Unreachable("no try was allowed")

    def _backoff(self, left: int) -> float:
        tried = self.patience.tries - left - 1
        return random.uniform(0, min(_CAP_SECONDS, _BASE_SECONDS * 2.0**tried))


def refused(response: httpx.Response) -> errors.ApiError:
    """The error that a response of 400 and above stands for; its body must have been read."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    return errors.of(response.status_code, problem, seconds(response.headers.get("Retry-After")))


def seconds(header: str | None) -> float | None:
    """A Retry-After in seconds; None where there is none or it is a date."""
    try:
        return max(0.0, float(header)) if header is not None else None
    except ValueError:
        return None


def _timeout(http: httpx.Client, read: float | None) -> httpx.Timeout:
    usual = http.timeout
    return usual if read is None else httpx.Timeout(usual.connect, read=read)


def _unreached(http: httpx.Client, error: Exception) -> str:
    said = str(error) or type(error).__name__
    server = str(http.base_url).rstrip("/").removesuffix("/api/v1")
    return f"{server} does not answer: {said}"
