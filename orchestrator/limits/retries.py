"""The retry budget: at most 20 % of first attempts per provider, so that an outage sees ≤ 1.2 × the load.

Each process keeps its own account; together they hold the same share, and nobody has to be asked.
A retry in `SECONDS` is free, so that a provider with hardly any traffic is retried too. One that is
answered brings two more: who waited out an outage follows ever faster, and a dead provider brings none.
"""

import threading
from collections import defaultdict
from typing import Final
from uuid import UUID

from orchestrator import clock

SHARE: Final = 0.2
AT_MOST: Final = 20.0
SAVED: Final = 5.0
"""What calm times save up at most: what a provider that has just failed may see beyond its share."""

AT_FIRST: Final = 1.0
FOR_AN_ANSWER: Final = 2.0
SECONDS: Final = 10.0


class RetryBudget:
    """What one process may retry; safe from any thread."""

    def __init__(self) -> None:
        self._tokens: defaultdict[UUID, float] = defaultdict(lambda: AT_FIRST)
        self._spent_at: dict[UUID, float] = {}
        self._lock = threading.Lock()

    def earn(self, provider_id: UUID) -> None:
        """A first attempt was made."""
        with self._lock:
            tokens = self._tokens[provider_id]
            self._tokens[provider_id] = max(tokens, min(SAVED, tokens + SHARE))

    def answered(self, provider_id: UUID) -> None:
        """A retry was answered."""
        with self._lock:
            self._tokens[provider_id] = min(AT_MOST, self._tokens[provider_id] + FOR_AN_ANSWER)

    def spend(self, provider_id: UUID) -> bool:
        """Whether one more retry fits; if so, it is counted."""
        now = clock.monotonic()
        with self._lock:
            if self._tokens[provider_id] >= 1.0:
                self._tokens[provider_id] -= 1.0
            elif now < self._spent_at.get(provider_id, now) + SECONDS:
                return False
            self._spent_at[provider_id] = now
            return True
