"""Run a task, one screen: claim → call → verify → settle.

It stands in a Celery thread: what waits is handed to the loop, what computes (rendering, applying,
verifying) is done here. A task that can't go on keeps its lease until rescue; one whose lease was lost
goes on where its paid answer can be adopted.
"""

from dataclasses import replace
from typing import Final
from uuid import UUID, uuid4

from orchestrator import failpoints, telemetry
from orchestrator.flow.adopt import adopt
from orchestrator.flow.claim import Lease, PaidAnswer, claim
from orchestrator.flow.intend import LeaseLost
from orchestrator.flow.release import release
from orchestrator.flow.settle import Ending, settle
from schemas.calls import Purpose
from schemas.embeddings import EmbedResult
from schemas.errors import Category, Failure, StoreUnavailable
from schemas.results import AnyResult, ChatResult, FinishReason
from workers.call import Made, until_stored
from workers.choose import choose
from workers.context import Message, concealed
from workers.errand import HandedOver, ask
from workers.process import Process, given_up
from workers.prompt import Prompt, prompt
from workers.recall import recalled, remember
from workers.redaction import found_whole, notices_of, schema_of
from workers.rounds import Talk, begin, hear
from workers.verifier import with_second_look
from workers.verify import Accepted, Rejected, Unwanted, disarm

CLAIM_PATIENCE: Final = 3.0
"""A claim that can't be committed within this is left to the next nudge; seconds."""


def run(process: Process, task_id: UUID) -> None:
    """Do what a nudge asks for; a stale or doubled one finds nothing to claim."""
    failpoints.reach("run.nudged")
    if process.draining:
        process.wait(release(process.parts, task_id))
        return
    token = uuid4()
    claiming = until_stored(
        lambda: claim(process.parts, process.boot_id, process.me.queues, task_id, token), CLAIM_PATIENCE
    )
    lease = process.wait(claiming)
    if lease is None:
        telemetry.DROPPED.labels("nothing_to_claim").inc()
        return
    failpoints.reach("run.claimed")
    while lease is not None:
        lease = _carry(process, lease)


def _carry(process: Process, lease: Lease) -> Lease | None:
    """Work under a lease; the lease to go on with, if this one was lost and its answer could be adopted."""
    with process.holding(lease):
        try:
            ending = _attempt(process, lease)
            if process.wait(until_stored(lambda: settle(process.parts, lease, ending))) is None:
                return process.wait(until_stored(lambda: adopt(process.parts, process.boot_id, lease)))
            failpoints.reach("run.settled")
        except HandedOver:
            telemetry.tell("worker.handed_over", task_id=lease.task_id, attempt=lease.attempt)
        except StoreUnavailable:
            telemetry.warn("worker.store_unavailable", task_id=lease.task_id, attempt=lease.attempt)
    return None


def _attempt(process: Process, lease: Lease) -> Ending:
    try:
        ending = _work(process, lease)
    except LeaseLost:
        telemetry.tell("worker.lease_lost", task_id=lease.task_id, attempt=lease.attempt)
        return _LOST
    except Unwanted:
        return Ending(None, failure=given_up(process.why_unwanted(lease) or Category.SHUTDOWN))
    failpoints.reach("run.verified")
    return ending


# The heart may have revived the lease since: what is ours again goes back, and is not cancelled.
_LOST = Ending(None, failure=Failure(category=Category.SHUTDOWN, message="The lease was lost."))


def _work(process: Process, lease: Lease) -> Ending:
    """Ask, and ask again for what is not usable; what was answered and paid before is not asked again."""
    if lease.request.preferences.consensus is not None:
        return choose(process, lease)
    paid, last, called = list(lease.answers), None, False
    if not paid and lease.closed is not None:
        return Ending(None, failure=lease.closed)
    first = prompt(process, lease)
    if isinstance(first, Failure):
        return Ending(paid[-1].call_id if paid else None, failure=first)
    rounds, means = process.config.repair_rounds, process.means_for(lease)
    talk = begin(first.request, first.messages, rounds, means, first.check, first.room)
    while True:
        if paid:
            answer = found_whole(lease, talk.messages, paid.pop(0), first.messages)
        elif lease.closed is not None and not called:
            return Ending(None, failure=lease.closed)
        else:
            made = _asked(process, lease, first, talk, last)
            if isinstance(made, tuple):
                return Ending(made[0], failure=made[1])
            answer, called = made, True
        heard, last = hear(talk, answer.text), answer.call_id
        if isinstance(heard, Accepted):
            ending = _accepted(process, lease, first, answer, heard.result)
            return replace(ending, repairs=talk.repairs, served=answer.served)
        if heard.over and not paid:
            return Ending(last, failure=_refused(lease, heard.verdict, talk.messages))
        talk = heard.on


def _accepted(process: Process, lease: Lease, first: Prompt, answer: PaidAnswer, result: AnyResult) -> Ending:
    """The ending with a usable answer, after a second look at it, and with what has to be told of it."""
    signed = first.note(_signed(result, answer))
    remember(process, lease, answer)
    ending = with_second_look(process, lease, first, answer, signed)
    if ending.result is None:
        return ending
    notices = (*first.notices, *notices_of(answer))
    return replace(ending, result=disarm(first.request, ending.result, notices))


def _refused(lease: Lease, verdict: Rejected, messages: tuple[Message, ...]) -> Failure:
    category = Category.ANSWER_REJECTED if verdict.mendable else Category.UNVERIFIABLE
    message = "The answer was not usable: " + "; ".join(verdict.problems)
    return Failure(category=category, message=concealed(message, messages, schema_of(lease))[:2000])


def _asked(process: Process, lease: Lease, first: Prompt, talk: Talk, last: UUID | None) -> Made:
    """A kept answer to the first question, if there is a usable one; else a provider's answer."""
    if last is not None:
        return ask(process, lease, Purpose.REPAIR, talk.messages, rejected_call=last, first=first.messages)
    found = recalled(process, lease, talk.messages)
    if found.stopped is not None:
        return None, found.stopped
    if found.answer is not None and isinstance(hear(talk, found.answer.text), Accepted):
        return found.answer
    made = ask(process, lease, Purpose.FIRST, talk.messages, first=first.messages)
    return replace(made, question=found.question) if isinstance(made, PaidAnswer) else made


def _signed(result: AnyResult, answer: PaidAnswer) -> AnyResult:
    """A result with what only its call knows: the model that served it, and how it ended."""
    if isinstance(result, EmbedResult):
        return result.model_copy(update={"model": answer.model})
    if not isinstance(result, ChatResult):
        return result
    finish = FinishReason.LENGTH if answer.cut else FinishReason.STOP
    return result.model_copy(update={"model": answer.model, "finish_reason": finish})
