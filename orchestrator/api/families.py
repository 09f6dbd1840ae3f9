"""A task shown whole: of a consensus its children too."""

from typing import Any

from orchestrator.api.doorway import Visit
from orchestrator.api.shapes import child_shape, task_shape
from orchestrator.store import views
from orchestrator.store.views import TaskRow


async def whole_shape(visit: Visit, row: TaskRow, parts: frozenset[str] = frozenset()) -> dict[str, Any]:
    """A `TaskView` with its children, where it has some."""
    shape = task_shape(row, parts)
    if row.consensus is not None:
        found = await views.children(visit.parts.db, visit.tenant_id, row.id)
        shape["children"] = [child_shape(each) for each in found]
    return shape
