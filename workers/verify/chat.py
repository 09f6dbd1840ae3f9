"""Is a chat's answer usable? It is where there is text, or JSON of the schema that was asked for."""

from typing import Final

import orjson

from schemas.results import ChatResult, Check, FinishReason, Verification, VerificationLevel
from schemas.structured import Schema, misfits
from schemas.tasks import ChatRequest, EmbedRequest, TaskRequest
from workers.verify.verdict import Accepted, Rejected, rejected

_FENCES: Final = ("```", "```json")


def _unfenced(answer: str) -> str:
    """What stands in the one fence that an answer is."""
    first, _, rest = answer.strip().partition("\n")
    inner, end, last = rest.rpartition("\n")
    return inner if end and first.rstrip().lower() in _FENCES and last.strip() == "```" else answer


def may_be_mended(request: TaskRequest) -> bool:
    """Whether an answer that is refused may be asked for again: not after its client has seen part of it,
    and not where nothing but a text, or vectors, were asked for."""
    if not isinstance(request, ChatRequest):
        return not isinstance(request, EmbedRequest)
    return request.context.answer_schema is not None and not request.context.stream


def verify_chat(request: ChatRequest, answer: str) -> Accepted | Rejected:
    """The answer as it is; who served it and whether it was cut is known to whoever made the call.

    JSON within one fence is taken out of it, unless its client has seen the fence already.
    """
    if not answer.strip():
        return Rejected(("The answer is empty.",))
    schema, checks = request.context.answer_schema, []
    if schema is not None:
        answer = answer if request.context.stream else _unfenced(answer)
        problems = _problems(schema, answer)
        if problems:
            return rejected(problems)
        checks = [Check(name="schema", passed=True)]
    level = Verification(level=VerificationLevel.PARSED, checks=checks)
    return Accepted(ChatResult(text=answer, finish_reason=FinishReason.STOP, model=None, verification=level))


def _problems(schema: Schema, answer: str) -> list[str]:
    try:
        value = orjson.loads(answer)
    except ValueError as error:
        return [f"The answer is no JSON ({str(error)[:200]}). Answer with the JSON object alone."]
    return misfits(schema, value)
