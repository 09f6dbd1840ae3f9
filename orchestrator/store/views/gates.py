"""The gates of a tenant's providers, each with its last moves; open or not, there is one row for each."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orchestrator.store.engine import Database, Row
from orchestrator.store.statements import text
from schemas.gates import GateKind, GateMove, GateState

GATES = text(
    """
    WITH mine AS (
        SELECT id, name, base_url, model, account, position FROM providers
        WHERE tenant_id = :tenant_id AND deleted_at IS NULL
    ), named AS (
        SELECT id, 'circuit' AS kind, id::text AS subject, model FROM mine
        UNION SELECT mine.id, kind, subject, gates.model
        FROM mine JOIN gates ON gates.kind = 'circuit' AND gates.subject = mine.id::text
        UNION SELECT mine.id, kind, subject, gates.model
        FROM mine JOIN gates ON gates.kind = 'health' AND gates.subject = mine.account
        UNION ALL SELECT id, kind, account, '' FROM mine, unnest(ARRAY['cool_down', 'credential']) AS kind
    )
    SELECT mine.id AS provider_id, mine.name AS provider, mine.base_url, mine.model AS usual_model,
        named.kind, named.subject, named.model, g.reason, g.closed_until,
        CASE WHEN g.state IS NULL OR (g.kind <> 'circuit' AND g.closed_until <= statement_timestamp())
            THEN 'closed' ELSE g.state END AS state, last.moves
    FROM named JOIN mine ON mine.id = named.id
    LEFT JOIN gates AS g ON g.kind = named.kind AND g.subject = named.subject AND g.model = named.model
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_agg(jsonb_build_object('at', at, 'state', state, 'reason', reason)
            ORDER BY id DESC), '[]') AS moves
        FROM (
            SELECT * FROM gate_transitions AS t
            WHERE t.kind = named.kind AND t.subject = named.subject AND t.model = named.model
            ORDER BY id DESC LIMIT 5
        ) AS t
    ) AS last
    ORDER BY mine.position, mine.name, named.kind, named.model
    """
)


@dataclass(frozen=True, slots=True)
class GateRow:
    """One gate; `subject` is the provider's id or its account, `model` empty for an account's gates."""

    provider_id: UUID
    provider: str
    endpoint: str
    kind: GateKind
    subject: str
    model: str
    is_usual_model: bool
    state: GateState
    reason: str | None
    closed_until: datetime | None
    moves: list[GateMove]


async def gates(db: Database, tenant_id: UUID) -> list[GateRow]:
    """All gates of the tenant's providers, in the providers' order."""
    return [_gate(row) for row in await db.run(GATES, tenant_id=tenant_id)]


def _gate(row: Row) -> GateRow:
    return GateRow(
        provider_id=row.provider_id,
        provider=row.provider,
        endpoint=row.base_url,
        kind=GateKind(row.kind),
        subject=row.subject,
        model=row.model,
        is_usual_model=row.model == row.usual_model,
        state=GateState(row.state),
        reason=row.reason,
        closed_until=row.closed_until,
        moves=[GateMove.model_validate(each) for each in row.moves],
    )
