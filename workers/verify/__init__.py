"""Is an answer usable? `verify` says so for any text a model may send, and never raises.

An accepted code answer is a patch of our own making that applies; an accepted review points at real lines.
A repair answer replaces the first one: it is verified alone, with all its edits or findings.
"""

from typing import Final

from schemas.tasks import ChatRequest, EmbedRequest, ReviewCodeRequest, TaskRequest
from workers.verify.chat import may_be_mended, verify_chat
from workers.verify.code import verify_code
from workers.verify.embeddings import verify_embeddings
from workers.verify.review import verify_review
from workers.verify.scores import judged, unjudged
from workers.verify.verdict import Accepted, Rejected

__all__ = ["Accepted", "Rejected", "judged", "may_be_mended", "unjudged", "verify"]

MAX_ANSWER: Final = 2_500_000


def verify(request: TaskRequest, answer: str) -> Accepted | Rejected:
    """The result an answer amounts to, or what to mend in it."""
    if isinstance(request, EmbedRequest):
        return verify_embeddings(request.context, answer)
    if unreadable := _unreadable(answer):
        return Rejected((unreadable,))
    match request:
        case ReviewCodeRequest():
            return verify_review(request, answer)
        case ChatRequest():
            return verify_chat(request, answer)
        case _:
            return verify_code(request, answer)


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
