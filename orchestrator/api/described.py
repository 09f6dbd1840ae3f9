"""What the API's document says beyond the signatures: request bodies, headers, problems."""

from typing import Any, Final

from schemas.api import TaskView

_PROBLEM: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_WHAT: Final = {
    400: "The body is not valid JSON.",
    401: "The API key is missing or refused.",
    402: "A hard budget has nothing left to spend.",
    403: "The API key lacks the scope.",
    404: "There is no such thing.",
    406: "The result can't be had in that format.",
    409: "The task's state does not allow it.",
    413: "The body is too large.",
    415: "The body is not `application/json`, or it is compressed.",
    422: "The request does not fit; `errors` names the fields, or parameters that are not known here.",
    503: "The database does not answer; `Retry-After` says when to try again.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems an endpoint answers with."""
    return only(401, *statuses, 503)


def only(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These problems and no others."""
    return {status: {"description": _WHAT[status], "content": _PROBLEM} for status in statuses}


def _header(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


_PREFER = _header(
    "Prefer", "`wait=N`: hold the answer until the task ended, at most N (60) seconds", {"type": "string"}
)
_KEY = _header(
    "Idempotency-Key",
    "the same key and body bring the same task back",
    {"type": "string", "minLength": 1, "maxLength": 255},
)
_NONE_MATCH = _header("If-None-Match", "an ETag; 304 while nothing changed", {"type": "string"})

IDEMPOTENCY: Final[dict[str, Any]] = {"parameters": [_KEY, _PREFER]}
CONDITIONAL: Final[dict[str, Any]] = {"parameters": [_NONE_MATCH, _PREFER]}

SUBMIT_RESPONSES: Final[dict[str, Any]] = {
    "status_code": 202,
    "response_model": None,
    "responses": {
        202: {"model": TaskView, "description": "Stored; `Location` names it."},
        **problems(400, 402, 403, 409, 413, 415, 422),
    },
}


def body_of(schema: str) -> dict[str, Any]:
    """A JSON body of a schema that the document has among its components."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"requestBody": {"required": True, "content": content}}
