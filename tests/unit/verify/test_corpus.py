"""The corpus: each answer becomes exactly the tree that is expected, or is refused for the reason that is.

Git is the witness: what it makes of our diff, in a fresh repository, is the same tree, byte for byte.
"""

from collections import Counter

import pytest

from schemas.contexts import Constraints
from tests.corpus.edits.damage import KINDS, Sample, samples
from tests.corpus.edits.dialects import Dialect
from tests.unit.verify.witness import Witness
from workers.verify.change import Change, change
from workers.verify.diff import tree_diff
from workers.verify.problems import Reason

CORPUS = samples()
ANYWHERE = Constraints.model_validate({})


def outcome(sample: Sample) -> Change:
    return change(sample.before, sample.text, ANYWHERE)


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Witness:
    return Witness(tmp_path_factory.mktemp("witness"))


def test_the_corpus_is_large_and_of_many_kinds() -> None:
    named = Counter(sample.name.partition(" / ")[0] for sample in CORPUS)
    dialects = Counter(sample.name.split(" / ")[1] for sample in CORPUS if " / " in sample.name)
    refused = {sample.expected for sample in CORPUS if isinstance(sample.expected, Reason)}
    assert len(CORPUS) >= 300
    assert set(KINDS) <= set(named)
    assert len(KINDS) >= 20
    assert min(dialects[dialect] for dialect in Dialect) >= 50
    assert refused >= set(Reason) - {Reason.TOO_MUCH, Reason.INDENTATION}


@pytest.mark.parametrize("sample", CORPUS, ids=str)
def test_an_answer_becomes_the_expected_tree_or_the_expected_refusal(sample: Sample) -> None:
    made = outcome(sample)
    if isinstance(sample.expected, Reason):
        assert sample.expected in {fault.reason for fault in made.faults}, (made.problems, made.notes)
    else:
        assert made.faults == ()
        assert made.after == sample.expected


def test_git_makes_the_same_tree_of_every_patch(witness: Witness) -> None:
    seen: dict[str, str] = {}
    for sample in CORPUS:
        made = outcome(sample)
        if not made.faults:
            diff = tree_diff(made.before, made.after, made.moves)
            if seen.setdefault(diff, sample.name) == sample.name:
                assert witness.apply(made.before, diff) == made.after, sample.name
    assert len(seen) >= 15


def test_a_refusal_names_its_block_and_shows_the_nearest_region() -> None:
    sample = next(one for one in CORPUS if one.name == "lost context line / blocks / one part")
    [fault] = outcome(sample).faults
    assert (fault.reason, fault.path, fault.number) == (Reason.NOT_FOUND, "src/shop.py", 1)
    assert fault.region is not None
    assert fault.region.lines[0] == "        amount = 0"
