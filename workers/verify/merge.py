"""An answer merged with what earlier ones left.

A repaired change is the blocks that were fine followed by those of the new answer, and is verified whole. A
block that was asked again has to come again or to be withdrawn in so many words: nothing gets lost between
two answers. An answer that gives everything anew takes the place of what stood.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from schemas.contexts import Constraints
from workers.verify.change import Change, changed_by
from workers.verify.draft import FRESH, Draft
from workers.verify.edits import AnyEdit, Deletion, Parsed, Whole, touched
from workers.verify.parse import parse_edits
from workers.verify.problems import Problem, Reason
from workers.verify.tags import elements

_WITHDRAWN: Final = "withdrawn"
_MOST: Final = 100
_OF_THE_WHOLE: Final = (Reason.UNCHANGED, Reason.CLASH, Reason.TOO_MUCH)


def take(
    draft: Draft, before: Mapping[str, str], answer: str, constraints: Constraints
) -> tuple[Change, Draft]:
    """The change with a further answer, and what would stand of it if it is not usable."""
    parsed = parse_edits(answer, before.keys() | _paths(draft.kept))
    draft = _anew(draft, parsed)
    if not draft.kept:
        made = changed_by(before, parsed, constraints)
        return made, _left(FRESH, made, parsed)
    withdrawn = sum(1 for _ in elements(parsed.prose, _WITHDRAWN, _MOST))
    if not parsed.edits and withdrawn and not draft.files:
        faults = tuple(fault for fault in parsed.faults if fault.reason is not Reason.NO_EDITS)
        parsed = replace(parsed, faults=faults)
    merged = changed_by(before, parsed, constraints, draft.kept)
    if not merged.faults:
        merged = replace(merged, faults=_owing(draft, parsed, withdrawn))
    if merged.faults and len(parsed.edits) >= len(draft.kept) + draft.owed:
        alone = changed_by(before, parsed, constraints)
        if not alone.faults and _paths(alone.edits) >= _paths(draft.kept) | set(draft.files):
            return alone, _left(FRESH, alone, parsed)
    return merged, _left(draft, merged, parsed)


def without(draft: Draft, made: Change, paths: Sequence[str]) -> Draft:
    """What stands of a change that applies, but whose files here are not usable; without paths, nothing."""
    blamed = set(paths)
    kept = tuple(edit for edit in made.edits if blamed and blamed.isdisjoint(touched(edit)))
    return Draft(kept, files=tuple(sorted(blamed)) if kept else (), said=draft.said if kept else ())


def _anew(draft: Draft, parsed: Parsed) -> Draft:
    """The draft without the blocks of files that this answer gives whole, where it gives all it was asked."""
    whole = set(draft.whole)
    given = {edit.path for edit in parsed.edits if isinstance(edit, Deletion | Whole)}
    if not whole or not whole <= given:
        return replace(draft, whole=())
    kept = tuple(edit for edit in draft.kept if whole.isdisjoint(touched(edit)))
    return Draft(kept, files=draft.whole if kept else (), said=draft.said if kept else ())


def _left(earlier: Draft, made: Change, parsed: Parsed) -> Draft:
    """The blocks without a fault; a fault of the whole answer leaves none of it."""
    said = (*earlier.said, _plain(parsed.prose))
    numbers = {fault.number for fault in made.faults}
    if not made.faults:
        return replace(earlier, said=said)
    if None in numbers:
        return replace(earlier, said=said) if _of_the_answer(made.faults) else FRESH
    fresh = made.edits[len(earlier.kept) :]
    kept = (*earlier.kept, *(edit for edit in fresh if edit.number not in numbers))
    return Draft(kept, len(numbers), earlier.files, said) if kept else FRESH


def _of_the_answer(faults: Sequence[Problem]) -> bool:
    """Whether the last answer alone is to blame, and not the change as a whole."""
    return not all(fault.reason in _OF_THE_WHOLE for fault in faults)


def _owing(draft: Draft, parsed: Parsed, withdrawn: int) -> tuple[Problem, ...]:
    """What was asked again and neither came nor was withdrawn."""
    came = [edit for edit in parsed.edits if edit not in draft.kept]
    faults = []
    if len(came) + withdrawn < draft.owed:
        text = (
            f"{draft.owed} blocks were asked again, and {len(came)} came. Send each of them, or say for one "
            'that is not needed: <withdrawn block="2">why</withdrawn>'
        )
        faults.append(Problem(Reason.NO_EDITS, text))
    missing = sorted(set(draft.files) - _paths(came))
    faults += [
        Problem(Reason.NO_EDITS, f"{path}: its blocks were asked again, and none came.", path)
        for path in missing
    ]
    return tuple(faults)


def _plain(prose: str) -> str:
    kept, at = [], 0
    for element in elements(prose, _WITHDRAWN, _MOST):
        kept.append(prose[at : element.start])
        at = element.end
    return "".join([*kept, prose[at:]]).strip()


def _paths(edits: Sequence[AnyEdit]) -> set[str]:
    return {path for edit in edits for path in touched(edit)}
