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
from workers.context import render_repair
from workers.errand import HandedOver, ask
from workers.process import Process
from workers.prompt import Prompt, prompt
from workers.recall import recalled, remember
from workers.verifier import with_second_look
from workers.verify import Accepted, may_be_mended

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
    failpoints.reach("run.verified")
    return ending


# The heart may have revived the lease since: what is ours again goes back, and is not cancelled.
_LOST = Ending(None, failure=Failure(category=Category.SHUTDOWN, message="The lease was lost."))


def _work(process: Process, lease: Lease) -> Ending:
    answer = lease.paid
    if answer is None and lease.closed is not None:
        return Ending(None, failure=lease.closed)
    asked_first = prompt(process, lease)
    if isinstance(asked_first, Failure):
        return Ending(answer.call_id if answer else None, failure=asked_first)
    messages = asked_first.messages
    if answer is None:
        made = _first(process, lease, asked_first)
        if isinstance(made, tuple):
            return Ending(made[0], failure=made[1])
        answer = made
    verdict = asked_first.judge(answer.text)
    repairable = answer.purpose is Purpose.FIRST and may_be_mended(lease.request)
    if not isinstance(verdict, Accepted) and repairable:
        asked = render_repair(lease.request, messages, answer.text, verdict.problems)
        made = ask(process, lease, Purpose.REPAIR, asked, rejected_call=answer.call_id)
        if isinstance(made, tuple):
            return Ending(made[0], failure=made[1])
        answer = made
        verdict = asked_first.judge(answer.text)
    if isinstance(verdict, Accepted):
        result = asked_first.note(_signed(verdict.result, answer))
        remember(process, lease, messages, answer)
        ending = with_second_look(process, lease, asked_first.request, answer.call_id, result)
        return replace(ending, repairs=int(answer.purpose is Purpose.REPAIR), served=answer.served)
    message = "The answer was not usable: " + "; ".join(verdict.problems)
    failure = Failure(category=Category.ANSWER_REJECTED, message=message[:2000])
    return Ending(answer.call_id, failure=failure)


def _first(process: Process, lease: Lease, asked: Prompt) -> Made:
    """The first answer: a kept one that is usable, else a provider's."""
    found = recalled(process, lease, asked.messages)
    if found is not None and isinstance(asked.judge(found.text), Accepted):
        return found
    return ask(process, lease, Purpose.FIRST, asked.messages)


def _signed(result: AnyResult, answer: PaidAnswer) -> AnyResult:
    """A result with what only its call knows: the model that served it, and how it ended."""
    if isinstance(result, EmbedResult):
        return result.model_copy(update={"model": answer.model})
    if not isinstance(result, ChatResult):
        return result
    finish = FinishReason.LENGTH if answer.cut else FinishReason.STOP
    return result.model_copy(update={"model": answer.model, "finish_reason": finish})
