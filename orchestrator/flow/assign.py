"""Assign: which arm of which experiment a task is given to. Pure.

The same session (or task, where it has none) is always given to the same arm while weights stay as they
are, whichever process decides: a hash of experiment and session is where it falls on the arms' weights.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from schemas.experiments import Arm, ExperimentView
from schemas.tasks import Preferences, TaskRequest


class Assignment(NamedTuple):
    """An arm that a task was given to, and what it sticks to."""

    experiment: ExperimentView
    arm: Arm
    sticky_by: str


def assign(request: TaskRequest, experiments: Sequence[ExperimentView], task_id: str) -> Assignment | None:
    """The arm that a task is given to; the first experiment that fits takes it.

    A task that says itself where it wants to go is in no experiment.
    """
    if not _is_open(request.preferences):
        return None
    for each in experiments:
        if _fits(each, request):
            sticky_by = "task" if request.session_id is None else "session"
            unit = f"{sticky_by} {request.session_id or task_id}"
            return Assignment(each, _arm_of(each.arms, f"{each.id} {unit}"), sticky_by)
    return None


def _is_open(wishes: Preferences) -> bool:
    """Whether a task leaves open where it goes."""
    named = wishes.providers is not None or wishes.preferred
    return not named and wishes.model is None and wishes.strategy is None


def _arm_of(arms: Sequence[Arm], unit: str) -> Arm:
    """The arm on whose stretch of the weights the unit's hash falls; at least one has a weight."""
    weighted = [arm for arm in arms if arm.weight]
    digest = hashlib.blake2b(unit.encode(), digest_size=8).digest()
    place = int.from_bytes(digest) * sum(arm.weight for arm in weighted) >> 64
    for arm in weighted:
        place -= arm.weight
        if place < 0:
            return arm
    return weighted[-1]


def _fits(experiment: ExperimentView, request: TaskRequest) -> bool:
    of_kind = experiment.kinds is None or request.kind in experiment.kinds
    return of_kind and (experiment.label is None or experiment.label in request.labels)
