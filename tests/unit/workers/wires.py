"""What the tests of all wires share: an ask, a reply fed piece by piece, streams cut anywhere."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

import orjson
from hypothesis import strategies as st

from schemas.errors import Category
from schemas.providers import Provider, Vendor, Wire
from workers.context import Message
from workers.providers.base import Ask, Reply, WireFormat

MALFORMED: Final = (ValueError, TypeError, AttributeError)
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
TALK: Final = (
    Message("system", "s"), Message("user", "ü"), Message("assistant", "x"), Message("user", "mend"),
)  # fmt: skip


def ask(
    wire: Wire,
    vendor: Vendor,
    model: str,
    *,
    temperature: float | None = 0.1,
    schema: Mapping[str, Any] | None = None,
    base_url: str = "http://x",
    messages: tuple[Message, ...] = TALK[:2],
) -> Ask:
    provider = Provider(
        id=UUID(int=1),
        name="p",
        vendor=vendor,
        wire=wire,
        base_url=base_url,
        model=model,
        credential="none",
        trusted=True,
    )
    return Ask(provider, model, messages, 500, temperature, schema)


def sent(wire: WireFormat, given: Ask) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(wire.request(given, "key", "call-1").body)
    return body


def fed(wire: WireFormat, *pieces: Any) -> Reply:
    """The reply after these pieces, given as objects or as bytes."""
    reply = Reply()
    for piece in pieces:
        wire.feed(reply, piece if isinstance(piece, bytes) else orjson.dumps(piece))
    return reply


def heard(wire: WireFormat, chunks: Iterable[bytes]) -> Reply:
    """The reply after a stream that arrived in these chunks."""
    reply, framing = Reply(), wire.framing()
    for chunk in chunks:
        for piece in framing.take(chunk):
            wire.feed(reply, piece)
    return reply


def events(*pieces: Mapping[str, Any], named: bool = False, end: str = "\n") -> bytes:
    """Objects as server-sent events."""
    lines = [
        (f"event: {piece['type']}{end}" if named else "") + f"data: {orjson.dumps(piece).decode()}{end}{end}"
        for piece in pieces
    ]
    return "".join(lines).encode()


def lines(*pieces: Mapping[str, Any]) -> bytes:
    """Objects as NDJSON."""
    return b"".join(orjson.dumps(piece) + b"\n" for piece in pieces)


def cut(stream: bytes, places: Sequence[int]) -> list[bytes]:
    """The stream in chunks, cut at these places."""
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


def failed(wire: WireFormat, status: int, body: Any, headers: Mapping[str, str] | None = None) -> Category:
    return wire.failure(status, headers or {}, orjson.dumps(body)).category


def json_of(*keys: str) -> st.SearchStrategy[Any]:
    """Any JSON, with the keys that a wire looks for."""
    return st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(keys), inner, max_size=4),
        max_leaves=12,
    )
