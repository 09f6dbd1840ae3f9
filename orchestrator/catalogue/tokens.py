"""Token estimates without a tokenizer's tables: bytes over three, with a margin or a measured factor."""

from math import ceil
from typing import Final

MARGIN: Final = 1.25
"""What an estimate is multiplied by where nothing was measured."""
SAFETY: Final = 1.1
"""What a measured factor is multiplied by: texts differ."""
LEAST_FACTOR: Final = 0.6
MOST_FACTOR: Final = 1.3
TELLING_BYTES: Final = 2_000
"""A shorter prompt says little: vendors add a fixed number of tokens of their own."""
_BYTES: Final = 3


def estimate(text: str) -> int:
    """The tokens `text` may take, rounded up with a margin of 25 %."""
    return estimate_bytes(len(text.encode("utf-8")))


def estimate_bytes(size: int) -> int:
    """The same for so many UTF-8 bytes."""
    return ceil(size / _BYTES * MARGIN)


def plain(size: int) -> int:
    """The estimate for so many UTF-8 bytes, without a margin."""
    return ceil(size / _BYTES)


def bounded(factor: float) -> float:
    """A measured factor within what can be true; what is no number counts as the most."""
    return min(MOST_FACTOR, max(LEAST_FACTOR, factor)) if factor == factor else MOST_FACTOR


def room(count: int, factor: float) -> int:
    """The UTF-8 bytes that so many tokens have room for."""
    return int(count * _BYTES / factor)
