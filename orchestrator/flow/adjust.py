"""Adjust: an experiment is paused, resumed or ended, or its weights are shifted."""

from uuid import UUID

from orchestrator import telemetry
from orchestrator.store import experiments, views
from orchestrator.wiring import Parts
from schemas.errors import FieldError, InvalidRequest, NotFound, StoreUnavailable
from schemas.experiments import Arm, ExperimentPatch, ExperimentStatus, ExperimentView


async def adjust(parts: Parts, tenant_id: UUID, name: str, patch: ExperimentPatch) -> ExperimentView:
    """Change status or weights. Raises `NotFound`, `InvalidRequest`."""
    found = await _seen(parts, tenant_id, name)
    if found.status is ExperimentStatus.ENDED:
        raise _invalid("status", "can't be changed: the experiment has ended; make a new one")
    arms = _weighted(found.arms, patch.weights or {})
    changed = await parts.db.one(
        experiments.CHANGE,
        id=found.id,
        status=patch.status or found.status,
        arms=experiments.as_json(arms),
        seen=found.updated_at,
    )
    if changed is None:
        raise StoreUnavailable("The experiment was changed at the same time. Try again.", retry_after=1)
    telemetry.tell("experiment.changed", experiment=name, status=patch.status)
    return await _seen(parts, tenant_id, name)


def _weighted(arms: list[Arm], weights: dict[str, int]) -> list[Arm]:
    unknown = sorted(set(weights) - {arm.name for arm in arms})
    if unknown:
        named = ", ".join(arm.name for arm in arms)
        raise _invalid(f"weights.{unknown[0]}", f"names no arm: they are {named}")
    changed = [arm.model_copy(update={"weight": weights.get(arm.name, arm.weight)}) for arm in arms]
    if not any(arm.weight for arm in changed):
        raise _invalid("weights", "must not leave all arms at 0; pause the experiment instead")
    return changed


async def _seen(parts: Parts, tenant_id: UUID, name: str) -> ExperimentView:
    views.forget_experiments(tenant_id)
    found = await views.experiment(parts.db, tenant_id, name)
    if found is None:
        raise NotFound(f"There is no experiment {name!r}.")
    return found


def _invalid(field: str, what: str) -> InvalidRequest:
    message = f"{field} {what}"
    return InvalidRequest(message, errors=(FieldError(field=field, message=message, code="invalid_value"),))
