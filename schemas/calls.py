"""What one HTTP request to a provider uses and gives back: tokens, money, the reply.

Tokens are counted so that `input` includes cached and cache-written tokens and `output` includes
reasoning; money is integer nano-dollars.
"""

from enum import StrEnum
from typing import Annotated, NewType
from uuid import UUID

from pydantic import Field

from schemas.base import Value

CallId = NewType("CallId", UUID)
Nanos = NewType("Nanos", int)

NANOS_PER_DOLLAR = 1_000_000_000


def dollars(nanos: int) -> str:
    """Nano-dollars as a decimal string of dollars, without an exponent and without loss."""
    sign = "-" if nanos < 0 else ""
    whole, part = divmod(abs(nanos), NANOS_PER_DOLLAR)
    digits = f"{part:09d}".rstrip("0")
    return f"{sign}{whole}.{digits.ljust(2, '0')}"


class CallStatus(StrEnum):
    """`started` is the committed intent; `unknown` is an intent whose process died before the outcome."""

    STARTED = "started"
    ANSWERED = "answered"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Purpose(StrEnum):
    """Why a call is made. A verifier's answer judges another call's answer and is no result itself; a look-up
    turns a question into a vector, to find a kept answer by."""

    FIRST = "first"
    REPAIR = "repair"
    VERIFIER = "verifier"
    JUDGE = "judge"
    LOOKUP = "lookup"


class AnswerVerdict(StrEnum):
    """What became of a paid answer; none yet means it waits to be verified."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


MOST_TOKENS = 2**26
MOST_OUTPUT_TOKENS = 2**22
"""Of one call: many times what any model takes, and gives. A vendor that counts more is not believed."""
Tokens = Annotated[int, Field(ge=0, le=MOST_TOKENS)]
OutputTokens = Annotated[int, Field(ge=0, le=MOST_OUTPUT_TOKENS)]


class Usage(Value):
    """Tokens of one call, each class counted once within its total.

    `cache_write_1h_tokens` is the part of `cache_write_tokens` that is kept for an hour, at its own price.
    """

    input_tokens: Tokens = 0
    cached_tokens: Tokens = 0
    cache_write_tokens: Tokens = 0
    cache_write_1h_tokens: Tokens = 0
    output_tokens: OutputTokens = 0
    reasoning_tokens: OutputTokens = 0


class Cost(Value):
    """What a call costs and where the price is from; `estimated` where the vendor gave no usage."""

    nanos: int = Field(ge=0)
    source: str
    version: str
    estimated: bool = False


class Kept(Value):
    """An answer as its provider sent it, with what it took; what the cache of answers holds."""

    text: str
    model: str | None
    cut: bool = False
    input_tokens: int
    output_tokens: int
    cost_nanos: int


class Question(Value):
    """A question as a vector, among those of the same `scope`; `dead`: entries like it that are no more."""

    scope: str
    vector: str = Field(description="base64 of little-endian 32-bit floats")
    dead: tuple[str, ...] = ()


class Served(Value):
    """What an answer from the cache spared: the tokens and the money that its call once took.

    `entry` names it in the cache; `likeness` is how near its own question was, where that was another one.
    """

    layer: str
    entry: str
    likeness: float | None = None
    input_tokens: int
    output_tokens: int
    saved_nanos: int

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.input_tokens + self.output_tokens
