"""Whose question was most like this one, and whether this database can compare questions at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import psycopg

from orchestrator import telemetry
from orchestrator.store.engine import Database
from orchestrator.store.statements import text

_FEW: Final = 5

PGVECTOR = text("SELECT extversion AS version FROM pg_extension WHERE extname = 'vector'")

NEAREST = text(
    """
    SELECT entry, likeness FROM (
        SELECT entry, 1 - (
            CAST(embedding AS vector) <=> CAST(CAST(:vector AS real[]) AS vector)
        ) AS likeness
        FROM similar_questions
        WHERE tenant_id = :tenant_id AND scope = :scope AND ends_at > clock_timestamp()
            AND cardinality(embedding) = cardinality(CAST(:vector AS real[]))
    ) AS compared
    WHERE likeness <> 'NaN'
    ORDER BY likeness DESC LIMIT :few
    """
)


@dataclass(frozen=True, slots=True)
class Near:
    """A kept answer, and how like its question is: 1 is the same direction."""

    entry: str
    likeness: float


async def nearest(db: Database, tenant_id: UUID, scope: str, vector: Sequence[float]) -> list[Near]:
    """The kept answers whose questions are most like this one, nearest first; none without pgvector."""
    try:
        rows = await db.run(NEAREST, tenant_id=tenant_id, scope=scope, vector=list(vector), few=_FEW)
    except psycopg.errors.UndefinedObject:
        telemetry.warn("cache.without_pgvector")
        return []
    return [Near(row.entry, row.likeness) for row in rows]


async def pgvector(db: Database) -> str | None:
    """The version of pgvector in this database, or None where it is not installed."""
    row = await db.one(PGVECTOR)
    return str(row.version) if row else None
