"""Whatever happens to an answer: no crash, nothing outside of the tree, git agrees, and it takes no time.

`make test` plays 500 mutations, `make chaos-long` 10,000 (`ORCHESTRATOR_TEST_EDITS`).
"""

import os
import time
from collections.abc import Mapping
from typing import Final

import pytest

from schemas.contexts import Constraints, inner_path
from tests.corpus.edits.fuzz import mutations
from tests.unit.verify.witness import Witness
from workers.verify.change import Change, change
from workers.verify.diff import tree_diff
from workers.verify.edits import Move, touched
from workers.verify.parse import parse_edits
from workers.verify.paths import refused

COUNT: Final = int(os.environ.get("ORCHESTRATOR_TEST_EDITS", "500"))
SEED: Final = 5
# One in so many accepted answers is shown to git.
SHOWN: Final = 4
ALLOWED_SECONDS: Final = 1.0
ANYWHERE: Final = Constraints.model_validate({})


@pytest.mark.timeout(1_200)
def test_a_mutated_answer_applies_whole_inside_the_tree_or_not_at_all(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    witness = Witness(tmp_path_factory.mktemp("fuzz"))
    accepted = 0
    for name, before, text in mutations(COUNT, SEED):
        started = time.process_time()
        made = change(before, text, ANYWHERE)
        assert time.process_time() - started < ALLOWED_SECONDS, name
        assert all(fault.text for fault in made.faults), name
        if not made.faults:
            accepted += 1
            held_to(name, before, text, made)
            if accepted % SHOWN == 0 and "\ud800" not in text and "\0" not in text:
                diff = tree_diff(made.before, made.after, made.moves)
                assert witness.apply(before, diff) == made.after, name
    assert accepted >= COUNT // 20


def held_to(name: str, before: Mapping[str, str], text: str, made: Change) -> None:
    """What is true of every change: inside the tree, of the files it named, each edit in it or noted."""
    edits = parse_edits(text, before.keys()).edits
    named = {path for edit in edits for path in touched(edit)}
    assert set(made.changed) <= named, name
    for path in made.changed:
        assert inner_path(path) == path, name
        assert refused(path, ()) is None, name
    for path in named - set(made.changed):
        moved = any(isinstance(edit, Move) and path in touched(edit) for edit in edits)
        assert made.notes or moved or before.get(path) == made.after.get(path), name
    assert {path: text for path, text in before.items() if path not in named} == {
        path: text for path, text in made.after.items() if path not in named
    }, name
