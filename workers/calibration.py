"""How many tokens a model really counts for a byte, learnt from its calls.

Each process keeps a moving mean for each model and leaves it in Redis for the others, best effort: without
any of it the catalogue's margin holds. A mean never leaves its bounds, so that one odd call spoils nothing.
"""

import threading
from typing import Final

from orchestrator import clock
from orchestrator.catalogue import tokens
from orchestrator.volatile import Unreachable, Volatile
from schemas.providers import Vendor

KEEP_SECONDS: Final = 30 * 24 * 3600
ASK_SECONDS: Final = 300.0
_FRESH: Final = 0.1
_KEY: Final = "orchestrator:calibration"


class Calibration:
    """The factors of all models: real tokens for each that the plain estimate counts."""

    def __init__(self) -> None:
        self._means: dict[tuple[Vendor, str], float] = {}
        self._asked: dict[tuple[Vendor, str], float] = {}
        self._lock = threading.Lock()

    def factor(self, vendor: Vendor, model: str) -> float:
        """What to multiply the plain estimate by, on the safe side."""
        mean = self._means.get((vendor, model))
        return tokens.MARGIN if mean is None else tokens.bounded(mean * tokens.SAFETY)

    def curious(self, vendor: Vendor, model: str) -> bool:
        """Whether to ask the others about a model: while it is not known, and not all the time."""
        if (vendor, model) in self._means:
            return False
        now = clock.monotonic()
        if now < self._asked.get((vendor, model), 0.0):
            return False
        self._asked[vendor, model] = now + ASK_SECONDS
        return True

    async def recall(self, volatile: Volatile, vendor: Vendor, model: str) -> None:
        """Take over what other processes have learnt of a model that this one has not asked yet."""
        try:
            kept = await volatile.recall(f"{_KEY}:{vendor}:{model}")
        except Unreachable:
            return
        try:
            mean = tokens.bounded(float(kept)) if kept else None
        except ValueError:
            return
        if mean is not None:
            self._means.setdefault((vendor, model), mean)

    def learn(self, vendor: Vendor, model: str, prompt_bytes: int, input_tokens: int) -> float | None:
        """The new mean after a call; None where it says nothing, for it was too short to tell."""
        if prompt_bytes < tokens.TELLING_BYTES or input_tokens <= 0:
            return None
        ratio = tokens.bounded(input_tokens / tokens.plain(prompt_bytes))
        with self._lock:
            mean = self._means.get((vendor, model))
            fresh = ratio if mean is None else mean + _FRESH * (ratio - mean)
            self._means[vendor, model] = fresh
        return fresh

    async def heard(
        self, volatile: Volatile, vendor: Vendor, model: str, prompt_bytes: int, input_tokens: int
    ) -> None:
        """Learn from a call, and tell the others."""
        mean = self.learn(vendor, model, prompt_bytes, input_tokens)
        if mean is None:
            return
        try:
            await volatile.note(f"{_KEY}:{vendor}:{model}", f"{mean:.4f}", KEEP_SECONDS)
        except Unreachable:
            return
