"""Choose: the step of a consensus whose children have all ended: one of their answers, or one review of all.

The choice is pure; only a tie asks a judge, each pair in both orders. Judgements that were paid before a
crash are read and not asked for again. Where it can't be judged the order decides, and the result says why.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter

from orchestrator.flow.claim import Lease, PaidAnswer
from orchestrator.flow.consensus import Choice, Voter, consensus
from orchestrator.flow.settle import Ending
from orchestrator.store import views
from orchestrator.store.views import ChildRow, JudgementRow
from schemas.calls import Purpose, dollars
from schemas.errors import FOLLOWS, Category, Failure, Follow
from schemas.results import (
    Answered,
    Comparison,
    Consensus,
    ConsensusChild,
    ConsensusHow,
    ReviewResult,
)
from schemas.tasks import ChatRequest, ReviewCodeRequest, TaskStatus
from workers.call import guarded_call, until_stored
from workers.context import read_verdict, render_judge
from workers.errand import JOB_WIRES
from workers.process import Process
from workers.verify.agree import fingerprint
from workers.verify.reviews import merge

_RESULT: Final[TypeAdapter[Answered]] = TypeAdapter(Answered)
_JUDGE_TOKENS: Final = 2_000
_JUDGE_SECONDS: Final = 600


class _Stopped(Exception):
    """The judge's call was ended by us: cancel, deadline, a stopping worker."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure


class _CannotJudge(Exception):
    """Why there will be no judgement."""


@dataclass
class _Bench:
    """What is judged, what was answered before, and what has been said."""

    process: Process
    lease: Lease
    answers: dict[UUID, Answered]
    paid: Iterator[JudgementRow]
    said: list[Comparison] = field(default_factory=list)


def choose(process: Process, lease: Lease) -> Ending:
    """The parent's result, or the failure that no child has an answer. Raises as `workers.call` does."""
    database = process.parts.db
    who = (lease.tenant_id, lease.task_id)
    children = process.wait(until_stored(lambda: views.children(database, *who, with_answers=True)))
    answers = {
        child.id: _RESULT.validate_json(child.result)
        for child in children
        if child.status == TaskStatus.SUCCEEDED and child.result is not None
    }
    if not answers:
        return Ending(None, failure=_nothing_left(children))
    prints = {each: fingerprint(answer) for each, answer in answers.items()}
    voters = [
        Voter(
            child.id,
            place,
            answers[child.id].verification.level,
            prints[child.id],
            child.nanos,
            source=f"{child.provider}/{child.model}",
        )
        for place, child in enumerate(children)
        if child.id in answers
    ]
    choice = consensus(voters, by_cost=not isinstance(lease.request, ChatRequest))
    if isinstance(lease.request, ReviewCodeRequest):
        return Ending(None, result=_merged(lease.request, children, answers, prints, choice))
    paid = process.wait(until_stored(lambda: views.judgements(database, *who))) if choice.tied else []
    try:
        told = _decided(_Bench(process, lease, answers, iter(paid)), choice)
    except _Stopped as stopped:
        return Ending(None, failure=stopped.failure)
    told = told.model_copy(update={"children": _shown(children, answers, prints, choice)})
    return Ending(None, result=answers[told.winner].model_copy(update={"consensus": told}))


def _nothing_left(children: list[ChildRow]) -> Failure:
    ends = "; ".join(_end(child) for child in children)
    message = f"None of the {len(children)} providers asked gave an answer: {ends}."
    return Failure(category=Category.NO_ANSWER_LEFT, message=message[:2000])


def _end(child: ChildRow) -> str:
    error = child.error or {}
    return f"{child.provider} ({child.id}): {error.get('code', child.status)}"


def _decided(bench: _Bench, choice: Choice) -> Consensus:
    """What was decided, without the children yet."""
    how, winner, why = choice.how, choice.winner, None
    if choice.tied:
        try:
            winner = _judged(bench, choice.tied)
            decisive = any(said.winner is not None for said in bench.said)
            how = ConsensusHow.JUDGED if decisive else how
        except _CannotJudge as reason:
            why = str(reason)
    return Consensus(
        how=how,
        why=_why(how, choice),
        winner=winner,
        children=[],
        clusters=[list(cluster) for cluster in choice.clusters],
        judgements=bench.said,
        not_judged=why,
    )


def _why(how: ConsensusHow, choice: Choice) -> str:
    counted = sum(map(len, choice.clusters))
    match how:
        case ConsensusHow.ONLY:
            return "It is the only answer of the highest verification level."
        case ConsensusHow.AGREEMENT:
            return f"{len(choice.clusters[0])} of {counted} answers of the highest verification level agree."
        case ConsensusHow.MERGED:
            return f"{counted} reviews of the highest verification level were merged."
        case ConsensusHow.JUDGED:
            return f"{len(choice.tied)} groups of answers were as large; the judge compared one of each."
        case ConsensusHow.ORDER:
            return (
                f"{len(choice.tied)} groups of answers were as large; cost and the providers' order decided."
            )


def _judged(bench: _Bench, tied: tuple[UUID, ...]) -> UUID:
    """The answer that holds its place against all others; undecided pairs go to the earlier one."""
    if bench.lease.provider.wire in JOB_WIRES:
        raise _CannotJudge(f"The provider {bench.lease.provider.name!r} does work and judges none.")
    best = tied[0]
    for other in tied[1:]:
        one, two = _asked(bench, best, other), _asked(bench, other, best)
        winners = ({"A": best, "B": other}.get(one[1]), {"A": other, "B": best}.get(two[1]))
        winner = winners[0] if winners[0] == winners[1] else None
        said = Comparison(first=best, second=other, winner=winner, call_ids=[one[0], two[0]])
        bench.said.append(said)
        best = winner or min(best, other, key=tied.index)
    return best


def _asked(bench: _Bench, first: UUID, second: UUID) -> tuple[UUID, str]:
    """The call that answered, and the verdict in it (empty where it gave none)."""
    before = next(bench.paid, None)
    if before is not None:
        return before.id, read_verdict(before.answer) or ""
    answers, lease = bench.answers, bench.lease
    if lease.closed is not None:
        raise _CannotJudge(f"{lease.closed.category}: {lease.closed.message}"[:500])
    left = int(lease.seconds_left / 2)
    if left < 1:
        raise _CannotJudge("The task's deadline is too near.")
    wishes = lease.request.preferences
    limits = {
        "max_tokens": min(wishes.max_tokens or _JUDGE_TOKENS, _JUDGE_TOKENS),
        # A judge that is slow must leave the time to give what there is.
        "timeout_seconds": min(wishes.timeout_seconds or _JUDGE_SECONDS, _JUDGE_SECONDS, left),
    }
    messages = render_judge(lease.request, answers[first], answers[second])
    short = lease.request.model_copy(update={"preferences": wishes.model_copy(update=limits)})
    made = guarded_call(bench.process, lease.asking(short), Purpose.JUDGE, messages)
    if isinstance(made, PaidAnswer):
        assert made.call_id is not None, "a judge's answer is a call's"
        return made.call_id, read_verdict(made.text) or ""
    failure = made[1]
    if FOLLOWS[failure.category] in (Follow.END, Follow.HAND_BACK):
        raise _Stopped(failure)
    raise _CannotJudge(f"{failure.category}: {failure.message}"[:500])


def _merged(
    request: ReviewCodeRequest,
    children: list[ChildRow],
    answers: dict[UUID, Answered],
    prints: dict[UUID, str],
    choice: Choice,
) -> ReviewResult:
    counted = {each for cluster in choice.clusters for each in cluster}
    reviews = {
        child.id: answer
        for child in children
        if child.id in counted and isinstance(answer := answers[child.id], ReviewResult)
    }
    merged = merge(list(reviews.values()), request.context.max_findings)
    how = ConsensusHow.MERGED if len(reviews) > 1 else ConsensusHow.ONLY
    told = Consensus(
        how=how,
        why=_why(how, choice),
        winner=list(reviews)[merged.leader],
        children=_shown(children, answers, prints, choice),
        clusters=[list(cluster) for cluster in choice.clusters],
    )
    return merged.review.model_copy(update={"consensus": told})


def _shown(
    children: list[ChildRow], answers: dict[UUID, Answered], prints: dict[UUID, str], choice: Choice
) -> list[ConsensusChild]:
    places = {each: number for number, cluster in enumerate(choice.clusters, 1) for each in cluster}
    return [
        ConsensusChild(
            id=child.id,
            provider=child.provider,
            model=child.model,
            status=child.status,
            level=answers[child.id].verification.level if child.id in answers else None,
            cost_usd=dollars(child.nanos),
            error=(child.error or {}).get("code"),
            cluster=places.get(child.id),
            fingerprint=prints.get(child.id),
        )
        for child in children
    ]
