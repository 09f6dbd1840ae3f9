"""What was said of a task's result."""

from typing import Final
from uuid import UUID

from orchestrator.store.engine import Database
from orchestrator.store.statements import text
from schemas.feedback import FeedbackView

_COLUMNS: Final = "task_id, caller, rating, accepted, comment, provider, model, created_at, updated_at"

FEEDBACK = text(
    f"""
    SELECT {_COLUMNS} FROM feedback WHERE task_id = :task_id AND tenant_id = :tenant_id
    ORDER BY created_at, caller
    """
)


async def feedback(db: Database, tenant_id: UUID, task_id: UUID) -> list[FeedbackView]:
    """All feedback of a task, oldest first."""
    rows = await db.run(FEEDBACK, task_id=task_id, tenant_id=tenant_id)
    return [FeedbackView.model_validate(row._asdict()) for row in rows]
