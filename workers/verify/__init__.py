"""Is an answer usable? `verify` says so for any text a model may send, and raises only where nobody asks.

An accepted code answer is a patch of our own making that applies; an accepted review points at real lines.
A review's repair replaces the first answer; a change's goes together with what stands of the answers before.
"""

from typing import Final

from schemas.tasks import ChatRequest, EmbedRequest, ReviewCodeRequest, TaskRequest
from workers.context import strangers, texts
from workers.verify.chat import may_be_mended, verify_chat
from workers.verify.code import verify_code
from workers.verify.disarm import disarm
from workers.verify.draft import FRESH, Draft
from workers.verify.embeddings import verify_embeddings
from workers.verify.means import NONE, Means
from workers.verify.review import verify_review
from workers.verify.sandbox import Unwanted
from workers.verify.scores import judged, unjudged
from workers.verify.verdict import Accepted, Rejected, rejected

__all__ = [
    "Accepted",
    "Draft",
    "Means",
    "Rejected",
    "Unwanted",
    "disarm",
    "judged",
    "may_be_mended",
    "unjudged",
    "verify",
]

MAX_ANSWER: Final = 2_500_000


def verify(
    request: TaskRequest, answer: str, draft: Draft = FRESH, means: Means = NONE
) -> Accepted | Rejected:
    """The result an answer amounts to, or what to mend in it.

    `draft` is what the refusal of the answer before it left standing, `means` what this worker may use.
    Raises `Unwanted` where that ended a task's tests.
    """
    if isinstance(request, EmbedRequest):
        return verify_embeddings(request.context, answer)
    if unreadable := _unreadable(answer):
        return Rejected((unreadable,), draft=draft)
    if invented := _invented(request, answer):
        said = (f"{word} stands for nothing: copy placeholders exactly." for word in invented)
        return rejected(said, draft=draft)
    match request:
        case ReviewCodeRequest():
            return verify_review(request, answer)
        case ChatRequest():
            return verify_chat(request, answer)
        case _:
            return verify_code(request, answer, draft, means)


def _invented(request: TaskRequest, answer: str) -> list[str]:
    """Placeholders that stand for nothing in the task; a conversation may speak of what it likes."""
    if isinstance(request, ChatRequest):
        return []
    return list(strangers(answer, (text for _, text in texts(request))))


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
