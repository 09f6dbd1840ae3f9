"""The acceptance criteria, each with the model's verdict; one it did not answer can't be told."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from schemas.results import CriterionVerdict, Verdict
from workers.verify.tags import Element, elements
from workers.verify.verdict import clipped

_MOST: Final = 200
_LONGEST: Final = 2_000
_EVIDENCE: Final = re.compile(r"(.{1,500}):(\d{1,7})(?:-\d{1,7})?")
_VERDICTS: Final = {
    "met": Verdict.MET,
    "yes": Verdict.MET,
    "not_met": Verdict.NOT_MET,
    "unmet": Verdict.NOT_MET,
    "no": Verdict.NOT_MET,
}


def judge_criteria(prose: str, criteria: Sequence[str], tree: Mapping[str, str]) -> list[CriterionVerdict]:
    """One verdict for each criterion; evidence that points at no line of the tree is dropped."""
    answers: dict[int, Element] = {}
    for element in elements(prose, "criterion", _MOST):
        number = element.attributes.get("number", "")
        if re.fullmatch(r"[0-9]{1,3}", number):
            answers.setdefault(int(number), element)
    return [_verdict(number, text, answers.get(number), tree) for number, text in enumerate(criteria, 1)]


def without_criteria(prose: str) -> str:
    """The prose with the verdicts taken out."""
    kept, at = [], 0
    for element in elements(prose, "criterion", _MOST):
        kept.append(prose[at : element.start])
        at = element.end
    return "".join([*kept, prose[at:]]).strip()


def _verdict(
    number: int, criterion: str, answer: Element | None, tree: Mapping[str, str]
) -> CriterionVerdict:
    if answer is None:
        return CriterionVerdict(
            number=number, criterion=criterion, verdict=Verdict.CANT_TELL, explanation="not answered"
        )
    said = answer.attributes.get("verdict", "").lower().replace(" ", "_").replace("-", "_")
    return CriterionVerdict(
        number=number,
        criterion=criterion,
        verdict=_VERDICTS.get(said, Verdict.CANT_TELL),
        evidence=_evidence(answer.attributes.get("evidence", ""), tree),
        explanation=clipped(answer.text.strip(), _LONGEST),
    )


def _evidence(said: str, tree: Mapping[str, str]) -> str | None:
    place = _EVIDENCE.fullmatch(said)
    if place is None or place[1] not in tree:
        return None
    text = tree[place[1]]
    lines = text.count("\n") + (not text.endswith("\n"))
    return said if 1 <= int(place[2]) <= lines else None
