"""Doors that make tasks: submit (in general and by name), its dry run, and retry."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.bodies import read_json
from orchestrator.api.complaints import field_errors
from orchestrator.api.described import IDEMPOTENCY, SUBMIT_RESPONSES, body_of
from orchestrator.api.doorway import Visit, Writer, no_task
from orchestrator.api.families import whole_shape
from orchestrator.api.previews import preview
from orchestrator.api.problems import invalid
from orchestrator.api.replies import json_reply, state_headers, wait_asked
from orchestrator.api.selection import TASK_PARTS, Include, included
from orchestrator.api.shapes import BASE
from orchestrator.catalogue.classify import kind_of
from orchestrator.flow.retry import retry
from orchestrator.flow.submit import Submitted, submit
from orchestrator.store import views
from schemas.errors import FieldError
from schemas.tasks import (
    TASK_REQUEST,
    ChatRequest,
    CodeRequest,
    DocumentRequest,
    EmbedRequest,
    FixBugRequest,
    GenerateCodeRequest,
    ImplementFeatureRequest,
    RefactorRequest,
    ReviewCodeRequest,
    TaskKind,
    TaskRequest,
    WriteTestsRequest,
    normal_kind,
)

router = APIRouter(prefix=BASE, tags=["tasks"])

MODELS: Final[dict[TaskKind, type[CodeRequest | ReviewCodeRequest | ChatRequest | EmbedRequest]]] = {
    TaskKind.GENERATE_CODE: GenerateCodeRequest,
    TaskKind.FIX_BUG: FixBugRequest,
    TaskKind.IMPLEMENT_FEATURE: ImplementFeatureRequest,
    TaskKind.REVIEW_CODE: ReviewCodeRequest,
    TaskKind.REFACTOR: RefactorRequest,
    TaskKind.WRITE_TESTS: WriteTestsRequest,
    TaskKind.DOCUMENT: DocumentRequest,
    TaskKind.CHAT: ChatRequest,
    TaskKind.EMBED: EmbedRequest,
}
_LONGEST_KEY: Final = 255

Dry = Annotated[bool, Query(description="only say whether it would be accepted, and at what cost")]


@router.post("/tasks", **SUBMIT_RESPONSES, openapi_extra=body_of("TaskRequest") | IDEMPOTENCY)
async def submit_task(
    request: Request, visit: Writer, include: Include = None, validate_only: Dry = False
) -> Response:
    """Submit a task of any kind. 202 means that it is stored and will reach an end."""
    return await _accept(request, visit, None, included(include, TASK_PARTS), validate_only)


def _named(kind: TaskKind) -> None:
    path, model = str(kind).replace("_", "-"), MODELS[kind]

    async def by_name(
        request: Request, visit: Writer, include: Include = None, validate_only: Dry = False
    ) -> Response:
        return await _accept(request, visit, kind, included(include, TASK_PARTS), validate_only)

    by_name.__doc__ = f"{model.__doc__} As POST /tasks; `kind` may be left out."
    router.post(
        f"/tasks/{path}",
        **SUBMIT_RESPONSES,
        name=f"submit_{kind}",
        openapi_extra=body_of(model.__name__) | IDEMPOTENCY,
    )(by_name)


for _kind in MODELS:
    _named(_kind)


@router.post("/tasks/{task_id}/retry", **SUBMIT_RESPONSES, openapi_extra=IDEMPOTENCY)
async def retry_task(request: Request, visit: Writer, task_id: UUID, include: Include = None) -> Response:
    """Submit a finished task's request again: a new task, whose `retry_of` names the old one."""
    key = idempotency_key(request)
    submitted = await retry(
        visit.parts, visit.tenant_id, task_id, idempotency_key=key, api_key_id=visit.who.key_id
    )
    return await _stored(request, visit, submitted, included(include, TASK_PARTS))


async def _accept(
    request: Request, visit: Visit, kind: TaskKind | None, include: frozenset[str], dry: bool
) -> Response:
    key = idempotency_key(request)
    asked = read_request(await read_json(request, visit.parts.config.max_body_bytes), kind)
    if dry:
        return json_reply(await preview(visit, asked))
    submitted = await submit(
        visit.parts, visit.tenant_id, asked, idempotency_key=key, api_key_id=visit.who.key_id
    )
    return await _stored(request, visit, submitted, include)


async def _stored(request: Request, visit: Visit, submitted: Submitted, include: frozenset[str]) -> Response:
    seconds, row = wait_asked(request), submitted.task
    if seconds is not None:
        await visit.watch.ended(visit.tenant_id, submitted.id, seconds)
    if row is None or seconds is not None or include:
        row = await views.task(visit.parts.db, visit.tenant_id, submitted.id, include)
    if row is None:
        raise no_task(submitted.id)
    headers = state_headers(row, include) | {"Location": f"{BASE}/tasks/{row.id}"}
    if seconds is not None:
        headers["Preference-Applied"] = f"wait={seconds}"
    if submitted.replayed:
        headers["Idempotent-Replayed"] = "true"
    return json_reply(await whole_shape(visit, row, include), 202, headers)


def read_request(body: Any, kind: TaskKind | None) -> TaskRequest:
    """The request a body holds; of `kind`, where the address names it. Raises `InvalidRequest`."""
    if not isinstance(body, dict):
        raise invalid([FieldError(field="body", message="body must be a JSON object", code="object_type")])
    if kind is not None:
        body = {"kind": kind} | body
        if normal_kind(body["kind"]) != kind:
            raise invalid(
                [FieldError(field="kind", message=f"kind must be {kind} here", code="unknown_kind")]
            )
    if "kind" not in body and isinstance(body.get("context"), dict):
        body = body | {"kind": kind_of(body["context"]), "classified": True}
    try:
        return TASK_REQUEST.validate_python(body)
    except ValidationError as error:
        model = next(
            (model for known, model in MODELS.items() if known == normal_kind(body.get("kind"))), None
        )
        raise invalid(field_errors(error, model, skip=1)) from error


def idempotency_key(request: Request) -> str | None:
    """The request's Idempotency-Key, or None. Raises `InvalidRequest`."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= _LONGEST_KEY or not all("!" <= char <= "~" for char in key):
        message = f"Idempotency-Key must be 1 to {_LONGEST_KEY} visible ASCII characters"
        raise invalid([FieldError(field="Idempotency-Key", message=message, code="invalid_header")])
    return key
