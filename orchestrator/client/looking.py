"""Looking at a task again and again, as cheaply as the API allows: long polls and ETags."""

import time
from typing import Final

from orchestrator.client import errors
from orchestrator.client.answers import read
from orchestrator.client.replies import Task
from orchestrator.client.sending import Patience, Sender

_SLACK_SECONDS: Final = 15.0
_AT_LEAST_APART: Final = 0.5
_AWAY: Final = (errors.Unreachable, errors.Unavailable, errors.RateLimited)


class Look:
    """One watcher's view of one task."""

    def __init__(self, sender: Sender, path: str, patience: Patience) -> None:
        self._sender = sender
        self._path = path
        self._patience = patience
        self._etag: str | None = None
        self._answered = time.monotonic()

    def first(self) -> Task:
        """The task as it stands; an API that can't be reached is said at once."""
        return self._take(0) or self._sent_nothing()

    def again(self, wait: float) -> Task | None:
        """The task if it changed within `wait` seconds; None where it didn't, or the API was away."""
        begun = time.monotonic()
        try:
            changed = self._take(wait)
        except _AWAY:
            if time.monotonic() - self._answered > self._patience.outage:
                raise
            changed = None
        if changed is None:
            # A server that doesn't hold its answers must not be asked without pause.
            self._patience.sleep(max(0.0, min(wait, _AT_LEAST_APART) - (time.monotonic() - begun)))
        return changed

    def _take(self, wait: float) -> Task | None:
        headers = {"If-None-Match": self._etag} if self._etag else {}
        if wait >= 1:
            headers["Prefer"] = f"wait={int(wait)}"
        response = self._sender.send("GET", self._path, headers=headers, timeout=wait + _SLACK_SECONDS)
        self._answered = time.monotonic()
        if response.status_code == 304:
            return None
        self._etag = response.headers.get("ETag")
        return read(Task, response)

    def _sent_nothing(self) -> Task:
        raise errors.Unreachable(f"{self._path}: 304 without a condition")
