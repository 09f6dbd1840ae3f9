"""The rounds of an attempt: the first answer, and what is asked again of it until it is usable.

Pure but for what verification looks at. Answers that were paid for before are heard again in their order and
lead to the same question, so that a crash in any round costs no call. What goes wrong twice in the same way
is not asked a third time: the files are asked whole once, and then it is over.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from schemas.tasks import TaskRequest
from workers.context import Again, Message, Refused, ask_again
from workers.verify import Accepted, Draft, Means, Rejected, may_be_mended, verify
from workers.verify.draft import FRESH
from workers.verify.edits import touched
from workers.verify.means import NONE
from workers.verify.parse import excerpt

_NUMBERS: Final = re.compile(r"\d+")
_WHOLE_FILES: Final = 3
_WHOLE_SIZE: Final = 40_000


Check = Callable[[Accepted], Accepted | Rejected]


def _as_it_is(verdict: Accepted) -> Accepted | Rejected:
    return verdict


@dataclass(frozen=True)
class Talk:
    """What is asked next, what stands so far, and how the last answer went wrong."""

    request: TaskRequest
    messages: tuple[Message, ...]
    first: tuple[Message, ...]
    most: int
    means: Means = NONE
    check: Check = _as_it_is
    repairs: int = 0
    draft: Draft = FRESH
    went_wrong: tuple[str, ...] = ()
    asked_whole: bool = False
    room: int | None = None


@dataclass(frozen=True)
class Refusal:
    """An answer that is not usable; `on` goes on with it, and leads nowhere further if `over`."""

    verdict: Rejected
    on: Talk
    over: bool


def begin(
    request: TaskRequest,
    messages: tuple[Message, ...],
    most: int,
    means: Means,
    check: Check = _as_it_is,
    room: int | None = None,
) -> Talk:
    """The first question of a task, which may be followed by `most` repairs where answers can be mended.

    `check` has the last word on an answer that was verified; a repair's prompt has at most `room` bytes."""
    wished = request.preferences.repair_rounds
    rounds = 0 if not may_be_mended(request) else most if wished is None else min(most, wished)
    return Talk(request, messages, messages, rounds, means, check, room=room)


def hear(talk: Talk, answer: str) -> Accepted | Refusal:
    """What an answer to the question comes to."""
    verdict = verify(talk.request, answer, talk.draft, talk.means)
    if isinstance(verdict, Accepted):
        verdict = talk.check(verdict)
    if isinstance(verdict, Accepted):
        return verdict
    after = _asked_again(talk, answer, verdict) if verdict.mendable and talk.repairs < talk.most else None
    return Refusal(verdict, after or replace(talk, draft=verdict.draft), over=after is None)


def _asked_again(talk: Talk, answer: str, verdict: Rejected) -> Talk | None:
    draft, whole = verdict.draft, tuple[str, ...]()
    # Numbers of blocks and lines move from answer to answer; the error stays the same.
    went_wrong = tuple(sorted(_NUMBERS.sub("", problem) for problem in verdict.problems))
    if went_wrong == talk.went_wrong:
        whole = _small(talk.request, verdict)
        if talk.asked_whole or not whole:
            return None
        draft = replace(draft, whole=whole)
    kept = [edit for edit in draft.kept if not set(whole) & set(touched(edit))]
    again = Again(partly=bool(kept), files=draft.files, whole=whole)
    refused = Refused(answer, _failing(talk.request, answer, verdict) if kept else "", verdict.problems)
    messages = ask_again(talk.request, talk.first, talk.messages, refused, again, talk.room)
    if messages is None:
        return None
    return replace(
        talk,
        messages=messages,
        repairs=talk.repairs + 1,
        draft=draft,
        went_wrong=went_wrong,
        asked_whole=talk.asked_whole or bool(whole),
    )


def _failing(request: TaskRequest, answer: str, verdict: Rejected) -> str:
    """The blocks of an answer that are to be mended."""
    known = {file.path for file in getattr(request.context, "files", ())}
    return excerpt(answer, known, {fault.number for fault in verdict.faults if fault.number is not None})


def _small(request: TaskRequest, verdict: Rejected) -> tuple[str, ...]:
    """The files that keep going wrong, where they are few and small enough to be written whole."""
    named = {fault.path for fault in verdict.faults if fault.path} | set(verdict.draft.files)
    given = getattr(request.context, "files", ())
    sizes = {file.path: len(file.content) for file in given if file.path in named}
    fits = len(sizes) <= _WHOLE_FILES and sum(sizes.values()) <= _WHOLE_SIZE
    return tuple(sorted(sizes)) if fits else ()
