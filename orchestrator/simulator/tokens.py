"""How many tokens a prompt and an answer count, and which part of a prompt the vendor had seen before.

The estimate is one token per four UTF-8 bytes: stable, fast, and near enough to bill by.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

from orchestrator.simulator.wire import Caching, Message

MESSAGE_OVERHEAD: Final = 4
REPLY_PRIMER: Final = 3
CACHE_FROM: Final = 1024
REASONING_STEP: Final = 64
_REMEMBERED: Final = 10_000


def count(text: str) -> int:
    """The tokens of a text."""
    return -(-len(text.encode()) // 4)


def first(text: str, tokens: int) -> str:
    """The beginning of the text that counts at most so many tokens."""
    return text.encode()[: 4 * tokens].decode(errors="ignore")


def of_prompt(messages: Sequence[Message]) -> int:
    """The tokens of a prompt with what the vendor's template adds to each message."""
    return sum(count(message.text) + MESSAGE_OVERHEAD for message in messages) + REPLY_PRIMER


def of_reasoning(answer_tokens: int) -> int:
    """Tokens spent thinking: half of the answer's, in whole steps as the vendor reports them."""
    return -(-answer_tokens // (2 * REASONING_STEP)) * REASONING_STEP


class Prefix(NamedTuple):
    """What became of a prompt's beginning: tokens read from the cache, tokens written to it."""

    read: int = 0
    written: int = 0


class SeenPrefixes:
    """The beginnings of prompts that an account has sent lately to a model.

    The second time they are read from the cache, which no two models share.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str, bytes], None] = OrderedDict()

    def look(self, account: str, model: str, caching: Caching) -> Prefix:
        """The cached part of this prompt, in the vendor's steps; the prompt is remembered from now on."""
        read = whole = 0
        for prefix in caching.prefixes:
            tokens = count(prefix) // caching.step * caching.step
            if tokens >= CACHE_FROM:
                whole = tokens
                read = tokens if self._known(account, model, prefix) else read
        return Prefix(read, whole - read if caching.writes else 0)

    def _known(self, account: str, model: str, prefix: str) -> bool:
        key = (account, model, hashlib.sha256(prefix.encode()).digest())
        known = key in self._seen
        self._seen[key] = None
        self._seen.move_to_end(key)
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return known

    def forget(self) -> None:
        """Start afresh, as after an hour without use."""
        self._seen.clear()
