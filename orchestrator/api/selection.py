"""What a reader chooses: parts to include, filters, pages. What is not known is refused, never ignored."""

import base64
import binascii
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query

from orchestrator.api.problems import invalid
from orchestrator.store.views import Filters
from schemas.api import TaskFilters
from schemas.errors import FieldError

TASK_PARTS: Final = frozenset({"result", "request", "calls", "feedback"})
LIST_PARTS: Final = frozenset({"result", "request"})
LISTED: Final = LIST_PARTS | {"children"}
LARGEST_PAGE: Final = 100

Include = Annotated[
    str | None, Query(description="`result`, `request`, `calls`, `feedback`, separated by commas")
]


def included(given: str | None, known: frozenset[str]) -> frozenset[str]:
    """The parts named in `include`."""
    names = frozenset(filter(None, (name.strip() for name in (given or "").split(","))))
    if names - known:
        message = f"include must name some of {', '.join(sorted(known))}"
        raise _wrong("include", message)
    return names


def page_size(limit: int) -> int:
    """A limit, taken into what a page may hold."""
    return max(1, min(LARGEST_PAGE, limit))


def filters_of(asked: TaskFilters, *, with_children: bool = False) -> Filters:
    """The store's filters for a query; children are found where they are asked for."""
    return Filters(
        statuses=list(asked.status) if asked.status else None,
        kinds=list(asked.kind) if asked.kind else None,
        labels=asked.label,
        user_id=asked.user_id,
        session_id=asked.session_id,
        created_after=asked.created_after,
        created_before=asked.created_before,
        ids=_ids(asked.ids) if asked.ids else None,
        before=_read_cursor(asked.cursor) if asked.cursor else None,
        parent_id=asked.parent_id,
        without_children=None if asked.parent_id or asked.ids or with_children else True,
    )


def cursor_after(task_id: UUID) -> str:
    """The cursor of the page after this task."""
    return base64.urlsafe_b64encode(task_id.bytes).decode().rstrip("=")


def _read_cursor(cursor: str) -> UUID:
    try:
        return UUID(bytes=base64.urlsafe_b64decode(f"{cursor}=="))
    except (ValueError, binascii.Error) as error:
        raise _wrong("cursor", "cursor must be a `next_cursor` of an earlier page") from error


def _ids(given: str) -> list[UUID]:
    try:
        ids = [UUID(each.strip()) for each in given.split(",") if each.strip()]
    except ValueError as error:
        raise _wrong("ids", "ids must be task ids (UUIDs), separated by commas") from error
    if len(ids) > LARGEST_PAGE:
        raise _wrong("ids", f"ids must name at most {LARGEST_PAGE} tasks")
    return ids


def _wrong(field: str, message: str) -> Exception:
    return invalid([FieldError(field=field, message=message, code="invalid_value")])
