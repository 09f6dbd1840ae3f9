"""The door of embeddings, in OpenAI's format at both of its addresses: a task underneath, as for all."""

import base64
from array import array
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter
from pydantic import BeforeValidator, Field, ValidationError, WithJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from orchestrator import clock
from orchestrator.api.bodies import read_json
from orchestrator.api.complaints import field_errors
from orchestrator.api.described import body_of
from orchestrator.api.doorway import Writer, no_task
from orchestrator.api.openai_errors import OTHER_SPELLINGS, ROOT, ModelNotFound, failed
from orchestrator.api.openai_shapes import ours
from orchestrator.api.patience import GONE, Gone, abandon, while_there
from orchestrator.api.problems import invalid
from orchestrator.api.replies import json_reply
from orchestrator.api.submissions import idempotency_key
from orchestrator.catalogue.embeddings import models_of
from orchestrator.flow.submit import submit
from orchestrator.store import views
from orchestrator.store.views.providers import Standing
from schemas.base import Value
from schemas.embeddings import MAX_INPUTS, Dimensions, InputText
from schemas.errors import FieldError
from schemas.tasks import EmbedRequest, TaskStatus

_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The vectors in OpenAI's format.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    },
    "default": {
        "description": "An error in OpenAI's format.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OpenAIError"}}},
    },
}

_TEXT: Final = {"type": "string", "minLength": 1}
router = APIRouter(tags=["openai"])


class EmbeddingRequest(Value):
    """Texts to turn into vectors; lists of token numbers are not taken: send the texts."""

    model: str = Field(
        min_length=1, max_length=200, description="an embedding model, or a provider's name for its usual one"
    )
    input: Annotated[
        list[InputText],
        Field(min_length=1, max_length=MAX_INPUTS),
        BeforeValidator(lambda given: [given] if isinstance(given, str) else given),
        WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "maxItems": MAX_INPUTS}]}),
    ]
    dimensions: Dimensions | None = None
    encoding_format: Literal["float", "base64"] = "float"
    user: str | None = Field(None, min_length=1, max_length=200)


@router.post(
    f"{ROOT}v1/embeddings",
    response_model=None,
    responses=_RESPONSES,
    openapi_extra=body_of("EmbeddingRequest"),
)
@router.post(OTHER_SPELLINGS[2], response_model=None, include_in_schema=False)
async def embeddings(request: Request, visit: Writer) -> Response:
    """Turn texts into vectors; the task behind it is budgeted, booked and kept."""
    key = idempotency_key(request)
    asked = _read(await read_json(request, visit.parts.config.max_body_bytes))
    wishes = _chosen(asked.model, await views.providers(visit.parts.db, visit.tenant_id))
    patience = visit.parts.config.chat_seconds
    until = {} if key else {"deadline": clock.now() + timedelta(seconds=patience)}
    submitted = await submit(
        visit.parts,
        visit.tenant_id,
        _task_of(asked, wishes, until),
        idempotency_key=key,
        api_key_id=visit.who.key_id,
    )
    try:
        await while_there(request, visit.watch.ended(visit.tenant_id, submitted.id, patience))
    except Gone:
        if key is None:
            abandon(visit, submitted.id)
        return Response(status_code=GONE)
    row = await views.task(visit.parts.db, visit.tenant_id, submitted.id, frozenset({"result"}))
    if row is None:
        raise no_task(submitted.id)
    if key is None and not row.status.terminal:
        abandon(visit, submitted.id)
    return _answer(asked, row)


def _read(body: object) -> EmbeddingRequest:
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if value is not None}
        given = body.get("input")
        first = given[0] if isinstance(given, list) and given else None
        if isinstance(first, int | list):
            message = "input must be a text or a list of texts: token numbers of a model can't be routed"
            raise invalid([FieldError(field="input", message=message, code="unsupported_parameter")])
    try:
        return EmbeddingRequest.model_validate(body)
    except ValidationError as error:
        raise invalid(field_errors(error, EmbeddingRequest, skip=0)) from error


def _chosen(model: str, standings: Sequence[Standing]) -> dict[str, Any]:
    """The preferences that a `model` stands for. Raises `ModelNotFound`, naming what there is."""
    serving = {provider.name: models_of(provider) for provider, _, _ in standings}
    if serving.get(model):
        return {"providers": [model], "model": serving[model][0]}
    named = [name for name, models in serving.items() if model in models]
    if named:
        return {"providers": named, "model": model}
    known = ", ".join(dict.fromkeys(each for models in serving.values() for each in models)) or "none"
    message = (
        f"There is no embedding model {model[:200]!r} here; there are {known} "
        "(options.embedding_model of a provider names another)."
    )
    raise ModelNotFound(message, errors=(FieldError(field="model", message=message, code="model_not_found"),))


def _task_of(asked: EmbeddingRequest, wishes: dict[str, Any], until: dict[str, Any]) -> EmbedRequest:
    given = {
        "kind": "embed",
        "context": {"inputs": asked.input, "dimensions": asked.dimensions},
        "preferences": wishes,
        "user_id": asked.user,
    }
    try:
        return EmbedRequest.model_validate(given | until)
    except ValidationError as error:
        raise invalid(
            [
                FieldError(field="input", message=each.message.replace("context ", "", 1), code=each.code)
                for each in field_errors(error, EmbedRequest, skip=0)
            ]
        ) from error


def _answer(asked: EmbeddingRequest, row: views.TaskRow) -> Response:
    headers = {"orchestrator-task-id": str(row.id)}
    if row.status is not TaskStatus.SUCCEEDED or row.result is None:
        return failed(row).response(headers)
    result = orjson.loads(row.result)
    packed = asked.encoding_format == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": vector if packed else _numbers(vector)}
        for index, vector in enumerate(result["vectors"])
    ]
    body = {
        "object": "list",
        "data": data,
        "model": result["model"] or row.candidate["model"],
        "usage": {"prompt_tokens": row.input_tokens, "total_tokens": row.input_tokens},
        "orchestrator": ours(row),
    }
    return json_reply(body, 200, headers)


def _numbers(vector: str) -> list[float]:
    return array("f", base64.b64decode(vector)).tolist()
