"""The prompt of a round that mends an answer, within the room that its model has.

What the task began with stays as it was, to the byte, so that vendors' prefix caches hit. What is left out
where the room is short: the oldest rounds, then the blocks of the last answer that are kept, then the middle
of that answer, then all of it and problems beyond the first. What is asked, and the nearest real lines that
a problem shows, stay.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from schemas.tasks import TaskRequest
from workers.context.compose import size
from workers.context.render import PROBLEMS_BYTES, Again, Message, render_repair

_FEW_PROBLEMS: Final = PROBLEMS_BYTES // 4
_LEAST: Final = 400
"""Bytes of an answer below which it says nothing."""
_CUT: Final = "\n[… the middle of this answer is left out …]\n"
_GONE: Final = "(This answer is left out.)"


@dataclass(frozen=True)
class Refused:
    """An answer that is not usable: its text, the blocks to be mended (empty: all), what is wrong."""

    text: str
    failing: str
    problems: tuple[str, ...]


def ask_again(
    request: TaskRequest,
    first: tuple[Message, ...],
    earlier: tuple[Message, ...],
    refused: Refused,
    again: Again,
    room: int | None,
) -> tuple[Message, ...] | None:
    """What follows on `earlier`, which begins with `first`, in at most `room` bytes; None where nothing can.

    A room of None is no bound."""
    whole = render_repair(request, earlier, refused.text, refused.problems, again)
    if room is None or size(whole) <= room:
        return whole
    shorter = _shorter(request, first, whole, refused, again, room)
    return next((messages for messages in shorter if size(messages) <= room), None)


def _shorter(
    request: TaskRequest,
    first: tuple[Message, ...],
    whole: tuple[Message, ...],
    refused: Refused,
    again: Again,
    room: int,
) -> Iterator[tuple[Message, ...]]:
    """The prompt with less and less in it."""
    for start in range(len(first) + 2, len(whole), 2):
        yield (*first, *whole[start:])
    said = refused.failing or refused.text
    if refused.failing:
        yield render_repair(request, first, said, refused.problems, again)
    for most in (PROBLEMS_BYTES, _FEW_PROBLEMS):
        bare = render_repair(request, first, _GONE, refused.problems, again, most)
        left = room - size(bare)
        if left >= _LEAST:
            yield render_repair(request, first, ends(said, left), refused.problems, again, most)
        yield bare


def ends(text: str, room: int) -> str:
    """The beginning and the end of a text, of at most so many bytes."""
    data = text.encode("utf-8", "replace")
    half = (room - len(_CUT.encode())) // 2
    if len(data) <= room:
        return text
    return data[:half].decode("utf-8", "ignore") + _CUT + data[-half:].decode("utf-8", "ignore")
