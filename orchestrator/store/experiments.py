"""Experiments as their tenant makes and changes them."""

from collections.abc import Sequence

import orjson

from orchestrator.store.statements import text
from schemas.experiments import Arm

ADD = text(
    """
    INSERT INTO experiments (id, tenant_id, name, status, kinds, label, metric, arms)
    VALUES (:id, :tenant_id, :name, :status, CAST(:kinds AS text[]), CAST(:label AS text), :metric,
        CAST(:arms AS jsonb))
    ON CONFLICT (tenant_id, name) DO NOTHING
    RETURNING id
    """
)

CHANGE = text(
    """
    UPDATE experiments SET status = :status, arms = CAST(:arms AS jsonb), updated_at = clock_timestamp(),
        ended_at = CASE WHEN :status = 'ended' THEN clock_timestamp() END
    WHERE id = :id AND status <> 'ended' AND updated_at = :seen
    RETURNING id
    """
)
"""No row for an experiment that has ended or was changed since it was `seen`."""


def as_json(arms: Sequence[Arm]) -> str:
    """Arms as they are stored with their experiment."""
    return orjson.dumps([arm.model_dump(mode="json", exclude_none=True) for arm in arms]).decode()
