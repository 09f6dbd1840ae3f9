"""Is a chat's answer usable? It is where there is text: nothing else was asked for."""

from schemas.results import ChatResult, FinishReason, Verification, VerificationLevel
from workers.verify.verdict import Accepted, Rejected


def verify_chat(answer: str) -> Accepted | Rejected:
    """The answer as it is; who served it and whether it was cut is known to whoever made the call."""
    if not answer.strip():
        return Rejected(("The answer is empty.",))
    level = Verification(level=VerificationLevel.PARSED)
    return Accepted(ChatResult(text=answer, finish_reason=FinishReason.STOP, model=None, verification=level))
