"""Vectors for texts: the same for the same text, near for texts that share words, of length one.

Each word adds to a few places that its hash picks. No model is behind it, and it makes no claim to meaning.
"""

import base64
import hashlib
import math
import re
import struct
from collections.abc import Iterator
from typing import Final

import orjson

from orchestrator.simulator.models import Model
from orchestrator.simulator.wire import Embedding

DEFAULT_DIMENSIONS: Final = 1_536
_WORD: Final = re.compile(r"\w+|[^\w\s]")
_PLACES: Final = struct.Struct("<8I")


def render(wanted: Embedding, model: Model) -> str:
    """The `data` of an embeddings answer as JSON."""
    dimensions = wanted.dimensions or model.dimensions or DEFAULT_DIMENSIONS
    data = [
        {"object": "embedding", "index": index, "embedding": _shown(vector(text, dimensions), wanted.base64)}
        for index, text in enumerate(wanted.texts)
    ]
    return orjson.dumps(data).decode()


def vectors(rendered: str) -> list[list[float]]:
    """The vectors alone, for vendors who name them otherwise."""
    return [row["embedding"] for row in orjson.loads(rendered)]


def vector(text: str, dimensions: int) -> list[float]:
    """The text's vector."""
    values = [0.0] * dimensions
    for word in _WORD.findall(text.lower()) or [text]:
        for place, sign in _places(word):
            values[place % dimensions] += sign
    length = math.sqrt(sum(value * value for value in values))
    if not length:
        values[0] = length = 1.0
    return [value / length for value in values]


def _places(word: str) -> Iterator[tuple[int, float]]:
    for number in _PLACES.unpack(hashlib.sha256(word.encode()).digest()):
        yield number >> 1, 1.0 if number & 1 else -1.0


def _shown(values: list[float], packed: bool) -> list[float] | str:
    if not packed:
        return values
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
