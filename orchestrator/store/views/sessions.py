"""The history of a session: what its earlier tasks asked, and what came of them.

It is read from those tasks' own rows each time and copied nowhere, so that what was erased is gone from it.
What counts as earlier is fixed by the task's own first start: a later attempt sees nothing more.
"""

from typing import Final
from uuid import UUID

from orchestrator.store.engine import Database
from orchestrator.store.statements import text
from schemas.sessions import EarlierTask

MOST_TASKS: Final = 20
MOST_CHARACTERS: Final = 6_000
"""Of what a task asked, and of what came of it."""
_MOST_FINDINGS: Final = 20

EARLIER = text(
    f"""
    SELECT earlier.kind, earlier.finished_at,
        left(coalesce(
            asked.context ->> 'description', asked.context ->> 'prompt',
            asked.context #>> '{{messages,-1,content}}'
        ), :characters) AS asked,
        left(CASE
            WHEN earlier.kind = 'chat' THEN found.result ->> 'text'
            WHEN earlier.kind = 'review_code' THEN concat_ws(E'\\n', found.result ->> 'summary', (
                SELECT string_agg(concat(each.finding ->> 'severity', ', ', each.finding ->> 'file', ' ',
                    each.finding ->> 'start_line', ', ', each.finding ->> 'title'),
                    E'\\n' ORDER BY each.number)
                FROM jsonb_array_elements(found.result -> 'findings') WITH ORDINALITY
                    AS each (finding, number)
                WHERE each.number <= {_MOST_FINDINGS}
            ))
            ELSE concat_ws(E'\\n\\n', found.result ->> 'explanation', found.result ->> 'diff')
        END, :characters) AS answered
    FROM (
        SELECT t.id, t.kind, t.finished_at FROM tasks AS me JOIN tasks AS t
            ON t.tenant_id = me.tenant_id AND t.session_id = me.session_id AND t.id < me.id
        WHERE me.id = :task_id AND me.tenant_id = :tenant_id AND t.tenant_id = :tenant_id
            AND t.user_id IS NOT DISTINCT FROM me.user_id AND t.finished_at <= me.started_at
            AND t.status = 'succeeded' AND t.parent_id IS NULL AND t.kind <> 'embed'
        ORDER BY t.id DESC LIMIT :most
    ) AS earlier
    JOIN task_payloads AS payload ON payload.id = earlier.id
    JOIN task_results AS found ON found.id = earlier.id
    CROSS JOIN LATERAL (SELECT payload.request -> 'context' AS context) AS asked
    ORDER BY earlier.id DESC
    """
)


async def earlier_tasks(db: Database, tenant_id: UUID, task_id: UUID) -> list[EarlierTask]:
    """The latest tasks of the task's session and user that had succeeded when it started; newest first."""
    rows = await db.run(
        EARLIER, tenant_id=tenant_id, task_id=task_id, most=MOST_TASKS, characters=MOST_CHARACTERS
    )
    found = [row._asdict() for row in rows if row.asked and row.answered]
    return [EarlierTask.model_validate(each) for each in found]
