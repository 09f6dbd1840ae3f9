"""Experiment: a tenant makes an experiment, pauses it, shifts its weights or ends it."""

from collections.abc import Iterator
from uuid import UUID

import orjson

from orchestrator import clock, telemetry
from orchestrator.store import experiments, views
from orchestrator.wiring import Parts
from schemas.errors import ExperimentExists, FieldError, InvalidRequest, NotFound, StoreUnavailable
from schemas.experiments import Arm, ExperimentPatch, ExperimentRequest, ExperimentStatus, ExperimentView


async def experiment(parts: Parts, tenant_id: UUID, asked: ExperimentRequest) -> ExperimentView:
    """Make one. Raises `ExperimentExists`, and `InvalidRequest` for an arm's provider that isn't there."""
    known = {provider.name: provider.model for provider, _, _ in await views.providers(parts.db, tenant_id)}
    wrong = [error for index, arm in enumerate(asked.arms) for error in _unknown(index, arm, known)]
    if wrong:
        raise InvalidRequest(wrong[0].message, errors=tuple(wrong))
    given = asked.model_dump(mode="json") | {"arms": _stored(asked.arms)}
    if await parts.db.one(experiments.ADD, id=clock.new_id(), tenant_id=tenant_id, **given) is None:
        raise ExperimentExists(f"There is an experiment {asked.name!r} already: choose another name.")
    telemetry.tell("experiment.made", experiment=asked.name)
    return await _seen(parts, tenant_id, asked.name)


async def change_experiment(
    parts: Parts, tenant_id: UUID, name: str, patch: ExperimentPatch
) -> ExperimentView:
    """Change status or weights. Raises `NotFound`, `InvalidRequest`."""
    found = await _seen(parts, tenant_id, name)
    if found.status is ExperimentStatus.ENDED:
        raise _invalid("status", "can't be changed: the experiment has ended; make a new one")
    arms = _weighted(found.arms, patch.weights or {})
    changed = await parts.db.one(
        experiments.CHANGE,
        id=found.id,
        status=patch.status or found.status,
        arms=_stored(arms),
        seen=found.updated_at,
    )
    if changed is None:
        raise StoreUnavailable("The experiment was changed at the same time. Try again.", retry_after=1)
    telemetry.tell("experiment.changed", experiment=name, status=patch.status)
    return await _seen(parts, tenant_id, name)


def _unknown(index: int, arm: Arm, known: dict[str, str]) -> Iterator[FieldError]:
    listed = ", ".join(f"{name} ({model})" for name, model in sorted(known.items())) or "none"
    if arm.provider is not None and arm.provider not in known:
        field, said = f"arms.{index}.provider", f"there is no provider {arm.provider!r}"
        yield FieldError(field=field, message=f"{field}: {said}; there are {listed}", code="unknown_provider")
    if arm.provider is None and arm.model is not None and arm.model not in known.values():
        field, said = f"arms.{index}.model", f"{arm.model!r} is no provider's own model"
        message = f"{field}: {said}; name the provider that is to be asked for it: {listed}"
        yield FieldError(field=field, message=message, code="unknown_model")


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


def _stored(arms: list[Arm]) -> str:
    return orjson.dumps([arm.model_dump(mode="json", exclude_none=True) for arm in arms]).decode()


def _invalid(field: str, what: str) -> InvalidRequest:
    message = f"{field} {what}"
    return InvalidRequest(message, errors=(FieldError(field=field, message=message, code="invalid_value"),))
