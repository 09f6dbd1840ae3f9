"""Consensus: which of several children's answers is taken. Pure: the same answers give the same choice.

Only the answers of the highest verification level count; the largest group that agrees wins. Answers of one
source (a child went on at another's provider) count once in it: they are one opinion. Of groups of the same
size each gives one answer for the judge to choose from; without a judge their order decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from schemas.results import ConsensusHow, VerificationLevel

_LEVELS: Final = tuple(VerificationLevel)


@dataclass(frozen=True, slots=True)
class Voter:
    """An answer as the choice sees it; `position` in the order in which the providers were chosen.

    `source`: who gave it, a provider and its model."""

    id: UUID
    position: int
    level: VerificationLevel
    fingerprint: str
    nanos: int
    source: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen; `tied`: one answer of each group that is as large, in the order that decides."""

    how: ConsensusHow
    winner: UUID
    clusters: tuple[tuple[UUID, ...], ...]
    tied: tuple[UUID, ...] = ()


def consensus(voters: Sequence[Voter], *, by_cost: bool = True) -> Choice:
    """The choice among at least one answer.

    The order that decides is cost (unless `by_cost` is off), the providers' order, id.
    """
    highest = max(_LEVELS.index(voter.level) for voter in voters)
    counted = [voter for voter in voters if _LEVELS.index(voter.level) == highest]
    counted.sort(key=lambda voter: (voter.nanos if by_cost else 0, voter.position, voter.id))
    groups: dict[str, list[Voter]] = {}
    for voter in counted:
        groups.setdefault(voter.fingerprint, []).append(voter)
    # Sorting keeps equal ones in their order: a group stands where its first answer does.
    ordered = sorted(groups.values(), key=lambda group: -_opinions(group))
    clusters = tuple(tuple(voter.id for voter in group) for group in ordered)
    tied = tuple(group[0].id for group in ordered if _opinions(group) == _opinions(ordered[0]))
    if _opinions(counted) == 1 and len(clusters) == 1:
        return Choice(ConsensusHow.ONLY, tied[0], clusters)
    if len(tied) == 1:
        return Choice(ConsensusHow.AGREEMENT, tied[0], clusters)
    return Choice(ConsensusHow.ORDER, tied[0], clusters, tied)


def _opinions(group: Sequence[Voter]) -> int:
    return len({voter.source for voter in group})
