"""The mutants fit the code as it stands: a protection that moved takes its mutant along."""

import pytest

from tests.chaos.ground import ROOT
from tests.chaos.mutants.money_patches import MONEY_MUTANTS
from tests.chaos.mutants.patches import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", [*MUTANTS, *MONEY_MUTANTS], ids=lambda mutant: str(mutant.name))
def test_a_mutant_is_valid_code_and_another_than_the_product(mutant: Mutant) -> None:
    texts: dict[str, str] = {}
    for patch in mutant.patches:
        before = texts.get(patch.path) or (ROOT / patch.path).read_text(encoding="utf-8")
        texts[patch.path] = patch.patched(before)
        assert texts[patch.path] != before
    for path, text in texts.items():
        compile(text, path, "exec")
