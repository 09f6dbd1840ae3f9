"""What routing reads of a tenant: its providers with their recent record and load, and its configuration.

All of it is remembered for some seconds in the process, because submit asks each time; what is read
is bounded: a few recent calls of each provider, by index, and the running tasks of the installation.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from orchestrator import clock
from orchestrator.store import gates
from orchestrator.store.engine import Database
from orchestrator.store.partitions import lowest_id
from orchestrator.store.statements import text
from orchestrator.store.views.providers import Standing, providers
from schemas.errors import FOLLOWS, Category, Follow
from schemas.routing import Offer, Record, RoutingConfig

SECONDS: Final = 1.0
RECORD_SECONDS: Final = 10.0
MOST_TENANTS: Final = 10_000
MOST_CALLS: Final = 50
"""Recent calls that a provider is measured on."""

PAST: Final = timedelta(days=7)
"""How far back a call counts."""

FORGIVEN_AFTER: Final = timedelta(hours=1)
"""An outage is over some time: failures other than unusable answers no longer count after this."""

_BLAMED: Final = ", ".join(
    f"'{category}'"
    for category, follow in FOLLOWS.items()
    if follow is Follow.RETRY or category is Category.MODEL_NOT_FOUND
)
"""Failures that speak against a provider; a rate limit, a refused request or a cancel don't."""

RECORDS = text(
    f"""
    SELECT asked.provider_id, recent.calls, recent.successes, recent.seconds, recent.output_tokens,
        said.feedback, said.satisfaction
    FROM unnest(CAST(:providers AS uuid[]), CAST(:models AS text[])) AS asked (provider_id, model)
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE good OR bad)::int AS calls,
            count(*) FILTER (WHERE good)::int AS successes,
            (avg(seconds) FILTER (WHERE good))::float8 AS seconds,
            (avg(output_tokens) FILTER (WHERE good))::float8 AS output_tokens
        FROM (
            SELECT status = 'answered' AND verdict IS DISTINCT FROM 'rejected' AS good,
                (status = 'answered' AND verdict = 'rejected')
                    OR (coalesce(category IN ({_BLAMED}), false) AND ended_at > :unforgiven)
                    AS bad,
                extract(epoch FROM ended_at - started_at) AS seconds, output_tokens
            FROM (
                SELECT id, provider_id, model, status, verdict, category, started_at, ended_at, output_tokens
                FROM calls
                WHERE status IN ('answered', 'failed') AND (provider_id, model, id)
                    <= (asked.provider_id, asked.model, CAST('ffffffff-ffff-ffff-ffff-ffffffffffff' AS uuid))
                ORDER BY provider_id DESC, model DESC, id DESC LIMIT :most
            ) AS head
            WHERE head.provider_id = asked.provider_id AND head.model = asked.model
                AND head.id >= CAST(:from_id AS uuid)
        ) AS each_call
    ) AS recent
    CROSS JOIN LATERAL (
        SELECT count(*)::int AS feedback, avg(
            coalesce((accepted::int + (rating - 1) / 4.0) / 2, accepted::int, (rating - 1) / 4.0)
        )::float8 AS satisfaction
        FROM (
            SELECT accepted, rating FROM feedback
            WHERE feedback.provider_id = asked.provider_id AND feedback.model = asked.model
                AND feedback.task_id >= CAST(:from_id AS uuid)
                AND (rating IS NOT NULL OR accepted IS NOT NULL)
            ORDER BY task_id DESC LIMIT :most
        ) AS latest
    ) AS said
    """
)
"""The newest calls come off the index in order: asked for by equality, Postgres takes them to be few and
sorts all that the provider has ever made."""

RUNNING = text(
    """
    SELECT provider_id, count(*)::int AS tasks FROM tasks
    WHERE status IN ('running', 'canceling') AND lease_until IS NOT NULL GROUP BY provider_id
    """
)

CONFIG = text("SELECT CAST(routing AS text) AS routing FROM tenants WHERE id = :tenant_id")

_records: dict[UUID, tuple[float, dict[UUID, Record]]] = {}
_configs: dict[UUID, tuple[float, RoutingConfig]] = {}
_loads: dict[Database, tuple[float, dict[UUID, int], dict[UUID, str]]] = {}


async def offers(db: Database, tenant_id: UUID) -> tuple[Offer, ...]:
    """The tenant's providers as routing sees them; the load is read where accounts can be balanced."""
    standing = await providers(db, tenant_id)
    known = await _known_records(db, tenant_id, standing)
    running: dict[UUID, int] = {}
    closed: dict[UUID, str] = {}
    if _have_twins(standing):
        running, closed = await _load(db)
    unknown = Record()
    return tuple(
        Offer(
            provider, paused, position, known.get(provider.id, unknown), running.get(provider.id, 0),
            closed.get(provider.id),
        )
        for provider, paused, position in standing
    )  # fmt: skip


async def routing_config(db: Database, tenant_id: UUID) -> RoutingConfig:
    """How the tenant's tasks are routed; at most a second old."""
    found = _configs.get(tenant_id)
    if found is not None and clock.monotonic() < found[0]:
        return found[1]
    row = await db.one(CONFIG, tenant_id=tenant_id)
    config = RoutingConfig.model_validate_json(row.routing if row and row.routing else "{}")
    _make_room(_configs)
    _configs[tenant_id] = (clock.monotonic() + SECONDS, config)
    return config


def forget_routing(tenant_id: UUID) -> None:
    """Read configuration and records anew next time: they were changed by this process."""
    _configs.pop(tenant_id, None)
    _records.pop(tenant_id, None)


async def _known_records(db: Database, tenant_id: UUID, standing: Sequence[Standing]) -> dict[UUID, Record]:
    found = _records.get(tenant_id)
    if found is not None and clock.monotonic() < found[0]:
        return found[1]
    rows = await db.run(
        RECORDS,
        providers=[provider.id for provider, _, _ in standing],
        models=[provider.model for provider, _, _ in standing],
        from_id=lowest_id(clock.now() - PAST),
        unforgiven=clock.now() - FORGIVEN_AFTER,
        most=MOST_CALLS,
    )
    known = {
        row.provider_id: Record(
            row.calls, row.successes, row.seconds, row.output_tokens, row.feedback, row.satisfaction
        )
        for row in rows
        if row.calls or row.feedback
    }
    _make_room(_records)
    _records[tenant_id] = (clock.monotonic() + RECORD_SECONDS, known)
    return known


def _have_twins(standing: Sequence[Standing]) -> bool:
    """Whether several accounts of one vendor could take the same task."""
    return len({provider.vendor for provider, _, _ in standing}) < len(standing)


async def _load(db: Database) -> tuple[dict[UUID, int], dict[UUID, str]]:
    """Running tasks and closed gates by provider, over all tenants: one read a second for all of them."""
    found = _loads.get(db)
    if found is not None and clock.monotonic() < found[0]:
        return found[1], found[2]
    running = {row.provider_id: row.tasks for row in await db.run(RUNNING)}
    closed = {row.provider_id: row.reason for row in await db.run(gates.CLOSED) if row.seconds_left > 0}
    _loads.clear()
    _loads[db] = (clock.monotonic() + SECONDS, running, closed)
    return running, closed


def _make_room(remembered: dict[UUID, Any]) -> None:
    if len(remembered) >= MOST_TENANTS:
        remembered.clear()
