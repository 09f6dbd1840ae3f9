"""The messages of a task's first call, within the room that its model has.

What is never left out: the rules, the task's own words, a diff. Files are fitted into what remains.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from schemas.tasks import ChatRequest, CodeRequest, EmbedRequest, FixBugRequest, ReviewCodeRequest
from workers.context.fit import Shown, TooLong, Unread, fit, whole
from workers.context.gather import Gathered
from workers.context.map import Mentions, mentions
from workers.context.render import Message, render

CONVENTIONS_SHARE: Final = 8
_TRIES: Final = 4
_SLACK: Final = 64


@dataclass(frozen=True, slots=True)
class Composed:
    """A prompt, and the lines of the tree that it leaves out, by path."""

    messages: tuple[Message, ...]
    hidden: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def compose(gathered: Gathered, room: int | None) -> Composed:
    """A prompt of at most `room` UTF-8 bytes; None is no bound. Raises `TooLong`."""
    request = gathered.request
    if room is not None:
        gathered = _heeding(gathered, room)
    if isinstance(request, ChatRequest | EmbedRequest):
        return Composed(render(request))
    files = {path: text for path, text in gathered.files.items() if gathered.conventions.get(path) != text}
    if room is None or sum(map(len, files.values())) < room:
        messages = _rendered(gathered, whole(files, gathered.unread))
        if room is None or size(messages) <= room:
            return Composed(messages)
    return _fitted(request, gathered, files, room)


def _heeding(gathered: Gathered, room: int) -> Gathered:
    """Conventions apart from the files where they take little of the room; else as files like others."""
    taken = sum(len(text.encode("utf-8", "replace")) for text in gathered.conventions.values())
    return replace(gathered, conventions={}) if taken > room // CONVENTIONS_SHARE else gathered


def size(messages: Sequence[Message]) -> int:
    """The UTF-8 bytes of all contents."""
    return sum(len(message.content.encode("utf-8", "replace")) for message in messages)


def _fitted(
    request: CodeRequest | ReviewCodeRequest, gathered: Gathered, files: Mapping[str, str], room: int
) -> Composed:
    bare = size(_rendered(gathered, Shown()))
    said = _mentions(request, files, gathered.unread)
    left, over = room - bare - 2 * _SLACK, 0
    for _ in range(_TRIES):
        if left <= 0:
            raise TooLong(bare, room)
        shown = fit(files, gathered.unread, said, left)
        messages = _rendered(gathered, shown)
        over = size(messages) - room
        if over <= 0:
            return Composed(messages, shown.hidden)
        left -= over + _SLACK
    raise TooLong(room + over, room)


def _rendered(gathered: Gathered, shown: Shown) -> tuple[Message, ...]:
    return render(gathered.request, shown, gathered.conventions, gathered.lead)


def _mentions(
    request: CodeRequest | ReviewCodeRequest, files: Mapping[str, str], unread: Sequence[Unread]
) -> Mentions:
    return mentions(_said(request), [*files, *(each.path for each in unread)])


def _said(request: CodeRequest | ReviewCodeRequest) -> Iterator[str]:
    """The task's own words, which say what its tree is looked at for."""
    context = request.context
    yield context.description
    yield from context.acceptance_criteria
    yield from context.specifications.model_dump(exclude_none=True).values()
    yield from (message.content for message in context.messages)
    yield context.diff or ""
    if isinstance(request, FixBugRequest):
        yield request.context.error_report or ""
        yield request.context.logs or ""
