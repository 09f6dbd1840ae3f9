"""What follows: pure decisions from where a task stands and what happened to it.

Nothing here reads a clock, a database or a random source; jitter comes in as a number in [0, 1).
"""

from dataclasses import replace
from typing import Final, assert_never
from uuid import UUID

from orchestrator.catalogue.quality import Quality
from schemas.calls import Served, dollars
from schemas.errors import FOLLOWS, Category, Failure, Follow, TaskError
from schemas.events import ENDINGS, EventName
from schemas.manners import USUAL_RETRIES, RetryPolicy
from schemas.moves import Counters, Happening, Move, Standing
from schemas.tasks import StatusReason, TaskStatus

BACKOFF_BASE: Final = USUAL_RETRIES.base_seconds
BACKOFF_CAP: Final = USUAL_RETRIES.cap_seconds
HAND_BACK_DELAY: Final = 0.0
STREAM_INTERRUPTED: Final = "stream_interrupted"


_OWN_CODES: Final = {
    Category.ANSWER_REJECTED: "answer_rejected",
    Category.UNVERIFIABLE: "unverifiable",
    Category.NO_ANSWER_LEFT: "no_answer_left",
    Category.BUDGET_EXHAUSTED: "budget_exhausted",
    Category.BUDGET_HELD: "budget_exhausted",
    Category.PROVIDER_REMOVED: "provider_removed",
}


_WAITS: Final = {
    Category.BUDGET_HELD: StatusReason.WAITING_FOR_BUDGET,
    Category.CIRCUIT_OPEN: StatusReason.CIRCUIT_OPEN,
    Category.RETRIES_SPENT: StatusReason.RETRY_BACKOFF,
}

_ELSEWHERE_FIRST: Final = (Category.CIRCUIT_OPEN, Category.RETRIES_SPENT)
"""Waits that are worth it only where no other provider is left."""
_GOES_ON: Final = frozenset({Follow.RETRY, Follow.REROUTE, Follow.WAIT})


def backoff(failures: int, jitter: float, policy: RetryPolicy = USUAL_RETRIES) -> float:
    """Full jitter: between 0 and base · 2^(failures-1), at most the cap; seconds."""
    return jitter * min(policy.cap_seconds, policy.base_seconds * 2.0 ** min(max(failures - 1, 0), 15))


def after_success(standing: Standing, quality: Quality | None = None, served: Served | None = None) -> Move:
    """The answer was verified; `quality` is what its result is worth, where that can be said.

    `served`: the cache had the answer.
    """
    told = quality.told() if quality else {}
    return Move(
        TaskStatus.SUCCEEDED,
        standing.counters,
        happenings=(*_spared(served), Happening(EventName.SUCCEEDED, told)),
        quality=quality.score if quality else None,
        served_tokens=served.tokens if served else None,
    )


def _spared(served: Served | None) -> tuple[Happening, ...]:
    if served is None:
        return ()
    data = served.model_dump(exclude={"saved_nanos"}, exclude_none=True) | {
        "saved_usd": dollars(served.saved_nanos)
    }
    return (Happening(EventName.SERVED, data),)


def after_answer(standing: Standing, call_id: UUID) -> Move:
    """A provider's job brought an answer: a worker claims the task again to verify it."""
    ended = Happening(EventName.JOB_ENDED, {"call_id": str(call_id)})
    return _again(standing.counters, StatusReason.WAITING_FOR_WORKER, 0.0, ended)


def after_failure(
    standing: Standing, failure: Failure, jitter: float, policy: RetryPolicy = USUAL_RETRIES
) -> Move:
    """A call failed, or its answer stayed unusable: retry, next provider, wait, give back or end.

    `policy` is how failures of the provider it stands at are retried.
    """
    follow = FOLLOWS[failure.category]
    if standing.seconds_left <= 0 and follow in _GOES_ON:
        return after_deadline(standing)
    if failure.passed_on and follow in (*_GOES_ON, Follow.HAND_BACK):
        return _interrupted(standing, failure)
    match follow:
        case Follow.RETRY:
            return _retry(standing, failure, jitter, policy)
        case Follow.REROUTE:
            return _reroute(standing, failure)
        case Follow.WAIT:
            return _wait(standing, failure, jitter)
        case Follow.FAIL:
            return _fail(standing, failure)
        case Follow.HAND_BACK:
            return Move(
                TaskStatus.QUEUED,
                standing.counters,
                StatusReason.WAITING_FOR_WORKER,
                HAND_BACK_DELAY,
                happenings=(Happening(EventName.HANDED_BACK),),
            )
        case Follow.END:
            ended = failure.category is Category.DEADLINE
            return after_deadline(standing) if ended else after_cancel(standing)
        case _ as never:
            assert_never(never)


def after_crash(standing: Standing, status: TaskStatus, jitter: float, *, passed_on: bool = False) -> Move:
    """The process that held the lease is gone; `passed_on`: in the middle of an answer that goes out."""
    if status is TaskStatus.CANCELING:
        return after_cancel(standing)
    if standing.seconds_left <= 0:
        return after_deadline(standing)
    counters = replace(standing.counters, crashes=standing.counters.crashes + 1)
    if passed_on:
        broken = Failure(category=Category.CRASHED, message="its worker died")
        return _interrupted(replace(standing, counters=counters), broken)
    if counters.crashes >= standing.max_crashes:
        failure = Failure(category=Category.CRASHED, message="its worker died too often")
        return _fail(replace(standing, counters=counters), failure)
    delay = backoff(counters.crashes, jitter) if counters.crashes > 1 else 0.0
    rescued = Happening(EventName.RESCUED, {"crashes": counters.crashes})
    return _again(counters, StatusReason.RETRY_BACKOFF, delay, rescued)


def after_cancel(standing: Standing) -> Move:
    """Cancel was asked for and nothing runs any more."""
    return _end(TaskStatus.CANCELED, standing.counters)


def after_deadline(standing: Standing) -> Move:
    """The deadline passed."""
    error = TaskError(
        code="deadline_exceeded",
        message="The task did not end before its deadline.",
        retryable=True,
        category=Category.DEADLINE,
    )
    return _end(TaskStatus.EXPIRED, standing.counters, error)


def canceling(standing: Standing, reason: StatusReason | None = None) -> Move:
    """Cancel was asked for while a worker runs it, or a job of its provider; they or rescue end it."""
    happenings = (Happening(EventName.CANCELING),)
    return Move(TaskStatus.CANCELING, standing.counters, reason, happenings=happenings)


def diverted(standing: Standing, to: int, reason: str) -> Move:
    """The gate of the provider it waits for is closed; another candidate's is open. Burns nothing."""
    data = {"from": standing.provider, "to": standing.candidates[to].name, "category": reason}
    counters = replace(standing.counters, candidate=to, candidate_failures=0)
    happening = Happening(EventName.FAILED_OVER, data)
    return _again(counters, StatusReason.WAITING_FOR_WORKER, 0.0, happening)


def stranded(standing: Standing) -> Move:
    """The provider it waits for was removed, and so was every other one of its route."""
    message = f"The provider {standing.provider!r} was removed, and no other one of the task's route is left."
    return _fail(standing, Failure(category=Category.PROVIDER_REMOVED, message=message))


def _retry(standing: Standing, failure: Failure, jitter: float, policy: RetryPolicy) -> Move:
    counters = replace(
        standing.counters,
        failures=standing.counters.failures + 1,
        candidate_failures=standing.counters.candidate_failures + 1,
    )
    counted = replace(standing, counters=counters)
    if counters.failures >= standing.max_attempts:
        return _fail(counted, failure)
    if counters.candidate_failures >= policy.failures and standing.has_next:
        return _next_candidate(counted, failure)
    delay = max(backoff(counters.failures, jitter, policy), failure.retry_after or 0.0)
    if delay >= standing.seconds_left:
        return _next_candidate(counted, failure) if standing.has_next else _fail(counted, failure)
    return _again(counters, StatusReason.RETRY_BACKOFF, delay, _retrying(failure, delay))


def _reroute(standing: Standing, failure: Failure) -> Move:
    if failure.category is Category.ANSWER_REJECTED:
        # Each answer was paid for: how often it is tried elsewhere has the bound that failures have.
        counters = replace(standing.counters, failures=standing.counters.failures + 1)
        standing = replace(standing, counters=counters)
        if counters.failures >= standing.max_attempts:
            return _fail(standing, failure)
    return _next_candidate(standing, failure) if standing.has_next else _fail(standing, failure)


def _wait(standing: Standing, failure: Failure, jitter: float) -> Move:
    if failure.category in _ELSEWHERE_FIRST and standing.has_next:
        return _next_candidate(standing, failure)
    hint = max(BACKOFF_BASE, failure.retry_after or 0.0)
    delay = hint + jitter * min(BACKOFF_CAP, max(1.0, hint * 0.1))
    if failure.category is Category.BUDGET_HELD:
        # The pause is our own, not a provider's: what has less time than that looks again sooner.
        delay = min(delay, max(BACKOFF_BASE, standing.seconds_left / 2))
    if delay >= standing.seconds_left:
        return _reroute(standing, failure)
    reason = _WAITS.get(failure.category, StatusReason.RATE_LIMITED)
    move = _again(standing.counters, reason, delay, _retrying(failure, delay))
    return replace(move, asked_nanos=failure.asked_nanos)


def _next_candidate(standing: Standing, failure: Failure) -> Move:
    counters = replace(standing.counters, candidate=standing.counters.candidate + 1, candidate_failures=0)
    to = standing.candidates[counters.candidate].name
    data = {"from": standing.provider, "to": to, "category": str(failure.category)}
    happening = Happening(EventName.FAILED_OVER, data)
    return _again(counters, StatusReason.WAITING_FOR_WORKER, 0.0, happening)


def _fail(standing: Standing, failure: Failure) -> Move:
    passes = FOLLOWS[failure.category] in (Follow.RETRY, Follow.WAIT)
    error = TaskError(
        code=_OWN_CODES.get(failure.category, f"provider_{failure.category}"),
        message=failure.message,
        # Money that is used up is the same answer as at submit: asking again changes nothing.
        retryable=passes and failure.category is not Category.BUDGET_HELD,
        category=failure.category,
        provider=standing.provider,
    )
    return _end(TaskStatus.FAILED, standing.counters, error)


def _interrupted(standing: Standing, failure: Failure) -> Move:
    """Its client has seen the beginning of an answer that will never be whole: another can't follow."""
    error = TaskError(
        code=STREAM_INTERRUPTED,
        message=f"The answer broke off after its first part had gone out: {failure.message}",
        retryable=True,
        category=failure.category,
        provider=standing.provider,
    )
    return _end(TaskStatus.FAILED, standing.counters, error)


def _end(status: TaskStatus, counters: Counters, error: TaskError | None = None) -> Move:
    data = {"code": error.code, "category": str(error.category)} if error else {}
    return Move(status, counters, error=error, happenings=(Happening(ENDINGS[status], data),))


def _again(counters: Counters, reason: StatusReason, delay: float, happening: Happening) -> Move:
    why = reason if delay > 0 else StatusReason.WAITING_FOR_WORKER
    return Move(TaskStatus.QUEUED, counters, why, delay, happenings=(happening,))


def _retrying(failure: Failure, delay: float) -> Happening:
    data = {"category": str(failure.category), "delay_seconds": round(delay, 3)}
    return Happening(EventName.RETRYING, data)
