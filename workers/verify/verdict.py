"""What verification says: a result that a program can use, or what the model has to mend."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from schemas.results import AnyResult, VerificationLevel
from workers.verify.draft import FRESH, Draft
from workers.verify.problems import Problem

PROBLEM_LENGTH: Final = 1_200
PROBLEMS: Final = 12
_ORDER: Final = tuple(VerificationLevel)


@dataclass(frozen=True)
class Accepted:
    """The answer is usable, at the level its result states."""

    result: AnyResult


@dataclass(frozen=True)
class Rejected:
    """The answer is not usable; each problem tells the model what to mend.

    `faults`: of a change that does not apply, what is wrong block by block; `draft`: what stands of it for
    the next answer; not `mendable`: what is lacking is nothing that another answer could bring.
    """

    problems: tuple[str, ...]
    faults: tuple[Problem, ...] = ()
    draft: Draft = FRESH
    mendable: bool = True


def rejected(
    problems: Iterable[str],
    faults: tuple[Problem, ...] = (),
    draft: Draft = FRESH,
    *,
    mendable: bool = True,
) -> Rejected:
    """The problems, each once, bounded in length and number; those left out are counted."""
    each = list(dict.fromkeys(clipped(problem, PROBLEM_LENGTH) for problem in problems))
    if len(each) > PROBLEMS:
        each[PROBLEMS:] = [f"{len(each) - PROBLEMS} more problems are not listed."]
    return Rejected(tuple(each), faults, draft, mendable)


def below(reached: VerificationLevel, required: VerificationLevel | None) -> bool:
    """Whether a level is lower than what the submitter asked for."""
    return required is not None and _ORDER.index(reached) < _ORDER.index(required)


def clipped(text: str, length: int) -> str:
    """The text, cut with a mark where it is longer."""
    return text if len(text) <= length else text[: length - 2] + " …"
