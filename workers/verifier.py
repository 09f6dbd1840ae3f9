"""The verifier pass: a second call that scores the findings of a review before they are given.

It is a call as any other: with a hold, inside the deadline, booked. Where it can't be made or comes to
nothing, the review stands and its findings are marked unverified: they were paid for, and are never lost for
it. An answer of the verifier that was paid before a crash is used instead of a second one.
"""

from typing import Final

from orchestrator.flow.claim import Lease, PaidAnswer
from orchestrator.flow.settle import Ending
from schemas.calls import Purpose
from schemas.errors import FOLLOWS, Category, Failure, Follow
from schemas.results import AnyResult, ReviewResult
from schemas.tasks import DEFAULT_MIN_SCORE, ReviewCodeRequest, is_looked_at_twice
from workers.call import Made, guarded_call
from workers.context import render_verifier
from workers.process import Process
from workers.prompt import Prompt
from workers.redaction import found_whole
from workers.verify import judged, unjudged

_STOPS: Final = frozenset({Category.CANCELED, Category.SHUTDOWN})
"""What ends the attempt, and not the verifier pass alone: the paid review waits for whoever goes on."""


def with_second_look(
    process: Process, lease: Lease, first: Prompt, answer: PaidAnswer, result: AnyResult
) -> Ending:
    """The ending with a usable answer's result, after the verifier had its say where it is asked for it.

    `first` is what was sent first: its request has the whole change in it, also where it came packed, and
    what was hidden in its messages is hidden from the verifier."""
    request = first.request
    if not isinstance(request, ReviewCodeRequest) or not isinstance(result, ReviewResult):
        return Ending(answer.call_id, result=result)
    if not is_looked_at_twice(request) or not result.findings:
        return Ending(answer.call_id, result=result)
    messages = render_verifier(request, result.findings)
    if lease.judgement is not None:
        said: Made = found_whole(lease, messages, lease.judgement, first.messages)
    else:
        said = guarded_call(process, lease, Purpose.VERIFIER, messages, first=first.messages)
    if isinstance(said, PaidAnswer):
        wished = request.preferences.min_score
        min_score = DEFAULT_MIN_SCORE if wished is None else wished
        return Ending(answer.call_id, result=judged(result, said.text, min_score))
    call_id, failure = said
    if failure.category in _STOPS:
        return Ending(call_id, failure=failure)
    return Ending(answer.call_id, result=unjudged(result, _why(failure)))


def _why(failure: Failure) -> str:
    waits = FOLLOWS[failure.category] is Follow.WAIT
    return f"the verifier's call {'could not be made now' if waits else 'failed'}: {failure.message}"
