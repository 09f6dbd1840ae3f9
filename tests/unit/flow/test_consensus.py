"""Which answer a consensus takes: the level first, then agreement, then an order that never changes."""

from itertools import permutations
from uuid import UUID

import pytest

from orchestrator.flow.consensus import Voter, consensus
from schemas.results import ConsensusHow, VerificationLevel

APPLIED, SYNTAX = VerificationLevel.APPLIED, VerificationLevel.SYNTAX


def voter(
    number: int, fingerprint: str, level: VerificationLevel = SYNTAX, nanos: int = 10, source: str = ""
) -> Voter:
    return Voter(UUID(int=number), number, level, fingerprint, nanos, source or str(number))


def test_answers_of_one_source_are_one_opinion() -> None:
    twice = [voter(1, "x", nanos=1), voter(2, "y", source="s"), voter(3, "y", source="s")]
    choice = consensus(twice)
    assert (choice.how, choice.winner) == (ConsensusHow.ORDER, UUID(int=1))
    assert choice.tied == (UUID(int=1), UUID(int=2))
    only = consensus([voter(1, "x", source="s"), voter(2, "x", source="s")])
    assert (only.how, len(only.clusters)) == (ConsensusHow.ONLY, 1)


def test_the_larger_group_wins_though_its_answers_cost_more() -> None:
    choice = consensus([voter(1, "x", nanos=1), voter(2, "y", nanos=50), voter(3, "y", nanos=40)])
    assert (choice.how, choice.winner) == (ConsensusHow.AGREEMENT, UUID(int=3))
    assert choice.clusters == ((UUID(int=3), UUID(int=2)), (UUID(int=1),))
    assert choice.tied == ()


def test_a_higher_level_beats_a_larger_group() -> None:
    choice = consensus([voter(1, "x"), voter(2, "y", APPLIED), voter(3, "y", APPLIED)])
    assert (choice.how, choice.winner) == (ConsensusHow.ONLY, UUID(int=1))
    assert choice.clusters == ((UUID(int=1),),)


def test_a_single_answer_is_taken() -> None:
    assert consensus([voter(7, "x")]).how is ConsensusHow.ONLY


@pytest.mark.parametrize(
    ("costs", "by_cost", "winner"), [((3, 2, 1), True, 3), ((3, 2, 1), False, 1), ((5, 5, 5), True, 1)]
)
def test_where_all_disagree_cost_and_then_the_order_of_providers_decide(
    costs: tuple[int, ...], by_cost: bool, winner: int
) -> None:
    voters = [voter(place, f"f{place}", nanos=nanos) for place, nanos in enumerate(costs, 1)]
    choice = consensus(voters, by_cost=by_cost)
    assert (choice.how, choice.winner) == (ConsensusHow.ORDER, UUID(int=winner))
    assert choice.tied[0] == choice.winner
    assert set(choice.tied) == {each.id for each in voters}


def test_groups_of_one_size_give_one_answer_each_to_be_judged() -> None:
    voters = [voter(1, "x"), voter(2, "y"), voter(3, "y"), voter(4, "x"), voter(5, "z")]
    choice = consensus(voters)
    assert choice.tied == (UUID(int=1), UUID(int=2))
    assert choice.how is ConsensusHow.ORDER


def test_the_order_in_which_answers_are_given_changes_nothing() -> None:
    voters = [voter(1, "x", nanos=5), voter(2, "y"), voter(3, "y"), voter(4, "x"), voter(5, "z", APPLIED)]
    assert len({consensus(each) for each in permutations(voters)}) == 1
