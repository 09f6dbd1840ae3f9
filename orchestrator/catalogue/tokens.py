"""Token estimates without a tokenizer's tables: bytes over three, with a margin."""

from math import ceil

MARGIN = 1.25


def estimate(text: str) -> int:
    """The tokens `text` may take, rounded up with a margin of 25 %."""
    return ceil(len(text.encode("utf-8")) / 3 * MARGIN)
