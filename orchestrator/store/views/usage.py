"""What the calls of a provider used, and its fees, and how the latest of them went."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import UUID

from orchestrator.store import partitions
from orchestrator.store.engine import Database, Row
from orchestrator.store.statements import text
from schemas.calls import dollars
from schemas.configured import CheckedUp, ModelUsage, ProviderUsage
from schemas.manners import HealthPolicy

MOST_RECENT: Final = 200

_THE_PROVIDER = """
    mine AS (
        SELECT id, name, paused FROM providers
        WHERE tenant_id = :tenant_id AND name = :name AND deleted_at IS NULL
    )"""

USAGE = text(
    f"""
    WITH {_THE_PROVIDER}, used AS (
        SELECT coalesce(calls.served_model, calls.model) AS model, count(*) AS calls,
            count(*) FILTER (WHERE status = 'started') AS open_calls,
            count(*) FILTER (WHERE status IN ('failed', 'unknown')) AS failed,
            count(*) FILTER (WHERE estimated AND status <> 'started') AS estimated,
            coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
            coalesce(sum(cached_tokens), 0)::bigint AS cached_tokens,
            coalesce(sum(output_tokens), 0)::bigint AS output_tokens,
            coalesce(sum(cost_nanos), 0)::bigint AS cost_nanos,
            coalesce(sum(hold_nanos) FILTER (WHERE status = 'started'), 0)::bigint AS held_nanos
        FROM calls
        WHERE provider_id = (SELECT id FROM mine) AND tenant_id = :tenant_id
            AND id >= CAST(:from_id AS uuid) AND id < CAST(:to_id AS uuid)
        GROUP BY 1
    )
    SELECT mine.name, used.* FROM mine LEFT JOIN used ON true ORDER BY cost_nanos DESC, model
    """
)

FEES = text(
    """
    SELECT coalesce(sum(amount_nanos), 0)::bigint AS nanos FROM ledger
    WHERE tenant_id = :tenant_id AND provider = :name AND kind = 'fee' AND at >= :starts AND at < :ends
    """
)

RECENT = text(
    """
    SELECT mine.name, mine.paused, mine.options -> 'health' AS policy, h.checked_at, h.ok AS check_ok,
        h.latency_ms AS check_latency_ms, h.message AS check_message, h.failures AS check_failures,
        recent.status, recent.category, recent.ended_at,
        extract(epoch FROM recent.ended_at - recent.started_at)::float8 AS seconds,
        extract(epoch FROM recent.first_token_at - recent.started_at)::float8 AS first_token
    FROM providers AS mine
    LEFT JOIN provider_health AS h ON h.provider_id = mine.id
    LEFT JOIN LATERAL (
        SELECT id, status, category, started_at, first_token_at, ended_at FROM calls
        WHERE calls.provider_id = mine.id AND calls.tenant_id = :tenant_id
            AND calls.id >= CAST(:from_id AS uuid) AND status <> 'started'
        ORDER BY id DESC LIMIT :most
    ) AS recent ON true
    WHERE mine.tenant_id = :tenant_id AND mine.deleted_at IS NULL
        AND (CAST(:name AS text) IS NULL OR mine.name = :name)
    ORDER BY mine.position, mine.name, recent.id DESC
    """
)
"""The providers in their order, each with its latest calls, newest first."""


@dataclass(frozen=True, slots=True)
class RecentCall:
    """How one call went; durations in seconds."""

    answered: bool
    category: str | None
    ended_at: datetime
    seconds: float
    first_token: float | None


@dataclass(frozen=True, slots=True)
class Recent:
    """A provider's latest calls, newest first, with the last active check and its own policy, if any."""

    name: str
    paused: bool
    calls: tuple[RecentCall, ...]
    policy: HealthPolicy | None
    check: CheckedUp | None


async def usage(
    db: Database, tenant_id: UUID, name: str, starts: datetime, ends: datetime
) -> ProviderUsage | None:
    """What the calls that a provider was asked from `starts` until before `ends` used."""
    rows = await db.run(
        USAGE,
        tenant_id=tenant_id,
        name=name,
        from_id=partitions.lowest_id(starts),
        to_id=partitions.lowest_id(ends),
    )
    if not rows:
        return None
    used = [row for row in rows if row.model is not None]
    fees = await db.run(FEES, tenant_id=tenant_id, name=name, starts=starts, ends=ends)
    return ProviderUsage(
        provider=rows[0].name,
        starts=starts,
        ends=ends,
        cost_usd=dollars(sum(row.cost_nanos for row in used)),
        held_usd=dollars(sum(row.held_nanos for row in used)),
        fees_usd=dollars(fees[0].nanos),
        by_model=[_of_model(row) for row in used],
        **{name: sum(getattr(row, name) for row in used) for name in _COUNTED},
    )


_COUNTED: Final = (
    "calls", "open_calls", "failed", "estimated", "input_tokens", "cached_tokens", "output_tokens",
)  # fmt: skip


async def recent(db: Database, tenant_id: UUID, since: datetime, name: str | None = None) -> list[Recent]:
    """The tenant's providers, or the one of this name, with at most `MOST_RECENT` ended calls of each."""
    rows = await db.run(
        RECENT, tenant_id=tenant_id, name=name, from_id=partitions.lowest_id(since), most=MOST_RECENT
    )
    return [_recent(list(of_one)) for _, of_one in groupby(rows, key=lambda row: row.name)]


def _recent(rows: list[Row]) -> Recent:
    first = rows[0]
    calls = tuple(
        RecentCall(row.status == "answered", row.category, row.ended_at, row.seconds, row.first_token)
        for row in rows
        if row.status is not None
    )
    check = None
    if first.checked_at is not None:
        check = CheckedUp(
            at=first.checked_at,
            ok=first.check_ok,
            latency_ms=first.check_latency_ms,
            message=first.check_message,
            failures=first.check_failures,
        )
    policy = HealthPolicy.model_validate(first.policy) if first.policy else None
    return Recent(first.name, bool(first.paused), calls, policy, check)


def _of_model(row: Row) -> ModelUsage:
    return ModelUsage(
        model=row.model,
        calls=row.calls,
        failed=row.failed,
        input_tokens=row.input_tokens,
        cached_tokens=row.cached_tokens,
        output_tokens=row.output_tokens,
        cost_usd=dollars(row.cost_nanos),
    )
