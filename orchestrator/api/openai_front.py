"""The OpenAI-compatible front: chat completions, completions and models, over the same queue as all.

A stream's status is sent with its first part, so that what fails before it fails as an HTTP error.
"""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from orchestrator import clock
from orchestrator.api.bodies import read_json
from orchestrator.api.described import body_of
from orchestrator.api.doorway import Reader, Visit, Writer
from orchestrator.api.openai_bodies import (
    ChatCompletionRequest,
    CompletionRequest,
    FrontBody,
    read_body,
    task_of,
)
from orchestrator.api.openai_errors import OTHER_SPELLINGS, ROOT, ModelNotFound, failed, refused
from orchestrator.api.openai_models import chosen, listed_with_embeddings
from orchestrator.api.openai_shapes import STILL_HERE, Form, event
from orchestrator.api.patience import GONE, Gone, abandon, while_there
from orchestrator.api.replies import json_reply
from orchestrator.api.submissions import idempotency_key
from orchestrator.flow.follow import Delta, Ended, follow
from orchestrator.flow.submit import submit
from orchestrator.store import views
from schemas.errors import OrchestratorError, StoreUnavailable
from schemas.tasks import TaskStatus

_BASE: Final = f"{ROOT}v1"
_STREAM: Final = "text/event-stream"
_ERROR: Final = {"application/json": {"schema": {"$ref": "#/components/schemas/OpenAIError"}}}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The answer in OpenAI's format; with `stream` as server-sent events.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            _STREAM: {"schema": {"type": "string"}},
        },
    },
    "default": {"description": "An error in OpenAI's format.", "content": _ERROR},
}
_LISTED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "In OpenAI's format.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    },
    "default": _RESPONSES["default"],
}

router = APIRouter(tags=["openai"])
_CHAT, _TEXT = Form(chat=True), Form(chat=False)


@router.post(
    f"{_BASE}/chat/completions",
    response_model=None,
    responses=_RESPONSES,
    openapi_extra=body_of("ChatCompletionRequest"),
)
@router.post(OTHER_SPELLINGS[0], response_model=None, include_in_schema=False)
async def chat_completions(request: Request, visit: Writer) -> Response:
    """Answer a conversation as OpenAI's API does; the task behind it is budgeted, booked and kept."""
    return await _answer(request, visit, ChatCompletionRequest, _CHAT)


@router.post(
    f"{_BASE}/completions",
    response_model=None,
    responses=_RESPONSES,
    openapi_extra=body_of("CompletionRequest"),
)
@router.post(OTHER_SPELLINGS[1], response_model=None, include_in_schema=False)
async def completions(request: Request, visit: Writer) -> Response:
    """Answer a prompt as OpenAI's older API does."""
    return await _answer(request, visit, CompletionRequest, _TEXT)


@router.get(f"{_BASE}/models", response_model=None, responses=_LISTED)
async def list_models(visit: Reader) -> Response:
    """List what may be asked for as `model`: models, providers' names, and `auto`."""
    found = listed_with_embeddings(await views.providers(visit.parts.db, visit.tenant_id))
    return json_reply({"object": "list", "data": list(found.values())})


@router.get(f"{_BASE}/models/{{model:path}}", response_model=None, responses=_LISTED)
async def get_model(visit: Reader, model: str) -> Response:
    """Show one of them."""
    found = listed_with_embeddings(await views.providers(visit.parts.db, visit.tenant_id))
    if model not in found:
        raise ModelNotFound(f"The model {model[:200]!r} does not exist here; there are {', '.join(found)}.")
    return json_reply(found[model])


async def _answer(request: Request, visit: Visit, model: type[FrontBody], form: Form) -> Response:
    key = idempotency_key(request)
    asked = read_body(await read_json(request, visit.parts.config.max_body_bytes), model)
    wishes = chosen(asked.model, await views.providers(visit.parts.db, visit.tenant_id))
    patience = visit.parts.config.chat_seconds
    until = {} if key else {"deadline": clock.now() + timedelta(seconds=patience)}
    submitted = await submit(
        visit.parts,
        visit.tenant_id,
        task_of(asked, wishes, **until),
        idempotency_key=key,
        api_key_id=visit.who.key_id,
    )
    answer = _Answer(visit, form, asked.stream_options.include_usage)
    events = follow(visit.parts, visit.watch, visit.tenant_id, submitted.id, patience)
    try:
        first = await while_there(request, _next(events))
        if asked.stream and isinstance(first, Delta):
            task = await views.task(visit.parts.db, visit.tenant_id, submitted.id)
            if task is not None:
                leaving = None if key else partial(abandon, visit, task.id)
                return _Stream(answer, answer.frames(task, first, events), task, leaving)
        end = await while_there(request, _last(first, events))
    except Gone:
        if key is None:
            abandon(visit, submitted.id)
        return Response(status_code=GONE)
    if key is None and end is not None and not end.status.terminal:
        abandon(visit, submitted.id)
    return answer.whole(end)


async def _next(events: AsyncIterator[Delta | Ended | None]) -> Delta | Ended:
    async for each in events:
        if each is not None:
            return each
    return Ended(None)


async def _last(first: Delta | Ended, events: AsyncIterator[Delta | Ended | None]) -> views.TaskRow | None:
    while not isinstance(first, Ended):
        first = await _next(events)
    return first.task


class _Answer:
    """How a task's end is told."""

    def __init__(self, visit: Visit, form: Form, with_usage: bool) -> None:
        self._visit = visit
        self._form = form
        self._with_usage = with_usage
        self.ended = False

    def whole(self, task: views.TaskRow | None) -> Response:
        if task is None:
            raise StoreUnavailable("The task was removed while it was waited for.")
        headers = {"orchestrator-task-id": str(task.id)}
        if task.status is not TaskStatus.SUCCEEDED or task.result is None:
            return failed(task).response(headers)
        return json_reply(self._form.whole(task, orjson.loads(task.result)), 200, headers)

    async def frames(
        self, task: views.TaskRow, first: Delta, events: AsyncIterator[Delta | Ended | None]
    ) -> AsyncIterator[bytes]:
        """The stream from its first part on; one that breaks off ends with an error and without `[DONE]`."""
        yield self._form.opening(task) + self._form.piece(task, first.text)
        try:
            async for each in events:
                if isinstance(each, Delta):
                    yield self._form.piece(task, each.text)
                elif each is None:
                    yield STILL_HERE
                elif each.task is not None:
                    yield self._end(each.task)
        except OrchestratorError as error:
            yield event(refused(error).body)

    def _end(self, task: views.TaskRow) -> bytes:
        self.ended = task.status.terminal
        if task.status is not TaskStatus.SUCCEEDED or task.result is None:
            return event(failed(task).body)
        return self._form.closing(task, orjson.loads(task.result), with_usage=self._with_usage)


class _Stream(StreamingResponse):
    """An answer on its way out; `leaving` is called if it does not come to its end."""

    def __init__(
        self,
        answer: _Answer,
        frames: AsyncIterator[bytes],
        task: views.TaskRow,
        leaving: Callable[[], None] | None,
    ) -> None:
        headers = {"X-Accel-Buffering": "no", "orchestrator-task-id": str(task.id)}
        super().__init__(frames, media_type=_STREAM, headers=headers)
        self._answer = answer
        self._leaving = leaving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self._leaving is not None and not self._answer.ended:
                self._leaving()
