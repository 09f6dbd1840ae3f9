"""How much each account has used of the running minute, for the headers that say so. Nothing is limited."""

import time
from dataclasses import dataclass
from typing import Final

WINDOW_SECONDS: Final = 60.0
REQUESTS_PER_WINDOW: Final = 30_000
TOKENS_PER_WINDOW: Final = 150_000_000


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of the window."""

    requests_left: int
    tokens_left: int
    resets_in_seconds: float


class Rates:
    """The running minute of every account."""

    def __init__(self) -> None:
        self._ends = 0.0
        self._used: dict[str, tuple[int, int]] = {}

    def spend(self, account: str, tokens: int) -> None:
        """Count one request."""
        now = time.monotonic()
        if now >= self._ends:
            self._ends = now + WINDOW_SECONDS
            self._used.clear()
        requests, used = self._used.get(account, (0, 0))
        self._used[account] = (requests + 1, used + tokens)

    def standing(self, account: str) -> Standing:
        """Where the account stands."""
        requests, tokens = self._used.get(account, (0, 0))
        return Standing(
            requests_left=max(0, REQUESTS_PER_WINDOW - requests),
            tokens_left=max(0, TOKENS_PER_WINDOW - tokens),
            resets_in_seconds=max(0.0, self._ends - time.monotonic()),
        )
