"""Experiment: tasks are given to weighted arms from now on."""

from collections.abc import Iterator
from uuid import UUID

from orchestrator import clock, telemetry
from orchestrator.store import experiments, views
from orchestrator.wiring import Parts
from schemas.errors import ExperimentExists, FieldError, InvalidRequest, StoreUnavailable
from schemas.experiments import Arm, ExperimentRequest, ExperimentView


async def experiment(parts: Parts, tenant_id: UUID, asked: ExperimentRequest) -> ExperimentView:
    """Make one. Raises `ExperimentExists`, and `InvalidRequest` for an arm's provider that isn't there."""
    known = {provider.name: provider.model for provider, _, _ in await views.providers(parts.db, tenant_id)}
    wrong = [error for index, arm in enumerate(asked.arms) for error in _unknown(index, arm, known)]
    if wrong:
        raise InvalidRequest(wrong[0].message, errors=tuple(wrong))
    given = asked.model_dump(mode="json") | {"arms": experiments.as_json(asked.arms)}
    if await parts.db.one(experiments.ADD, id=clock.new_id(), tenant_id=tenant_id, **given) is None:
        raise ExperimentExists(f"There is an experiment {asked.name!r} already: choose another name.")
    telemetry.tell("experiment.made", experiment=asked.name)
    views.forget_experiments(tenant_id)
    made = await views.experiment(parts.db, tenant_id, asked.name)
    if made is None:
        raise StoreUnavailable("The experiment is gone again. Try again.", retry_after=1)
    return made


def _unknown(index: int, arm: Arm, known: dict[str, str]) -> Iterator[FieldError]:
    listed = ", ".join(f"{name} ({model})" for name, model in sorted(known.items())) or "none"
    if arm.provider is not None and arm.provider not in known:
        field, said = f"arms.{index}.provider", f"there is no provider {arm.provider!r}"
        yield FieldError(field=field, message=f"{field}: {said}; there are {listed}", code="unknown_provider")
    if arm.provider is None and arm.model is not None and arm.model not in known.values():
        field, said = f"arms.{index}.model", f"{arm.model!r} is no provider's own model"
        message = f"{field}: {said}; name the provider that is to be asked for it: {listed}"
        yield FieldError(field=field, message=message, code="unknown_model")
