"""Is an answer usable? `verify` says so for any text a model may send, and never raises.

An accepted code answer is a patch of our own making that applies; an accepted review points at real lines.
A repair answer replaces the first one: it is verified alone, with all its edits or findings.
"""

from typing import Final, assert_never

from schemas.tasks import ChatRequest, FixBugRequest, GenerateCodeRequest, ReviewCodeRequest, TaskRequest
from workers.context import strangers, texts
from workers.verify.chat import verify_chat
from workers.verify.code import verify_code
from workers.verify.disarm import disarm
from workers.verify.review import verify_review
from workers.verify.verdict import Accepted, Rejected, rejected

__all__ = ["Accepted", "Rejected", "disarm", "verify"]

MAX_ANSWER: Final = 2_500_000


def verify(request: TaskRequest, answer: str) -> Accepted | Rejected:
    """The result an answer amounts to, or what to mend in it."""
    if unreadable := _unreadable(answer):
        return Rejected((unreadable,))
    invented = (
        () if isinstance(request, ChatRequest) else strangers(answer, (text for _, text in texts(request)))
    )
    if invented:
        return rejected(f"{word} stands for nothing: copy placeholders exactly." for word in invented)
    match request:
        case GenerateCodeRequest() | FixBugRequest():
            return verify_code(request, answer)
        case ReviewCodeRequest():
            return verify_review(request, answer)
        case ChatRequest():
            return verify_chat(answer)
        case _:
            assert_never(request)


def _unreadable(answer: str) -> str | None:
    """Why an answer is no text that could be kept: Postgres takes no NUL, UTF-8 no lone surrogate."""
    if len(answer) > MAX_ANSWER:
        return f"The answer is longer than {MAX_ANSWER} characters. Answer with the needed changes only."
    if "\0" in answer:
        return "The answer holds NUL characters. Answer in plain text."
    try:
        answer.encode()
    except UnicodeEncodeError:
        return "The answer holds lone surrogates. Answer in valid Unicode."
    return None
