"""A result in another tool's format: which one a request asks for, and the response in it."""

from typing import Annotated, Any, Final

import orjson
from fastapi import Query
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.catalogue.exports import SARIF_TYPE, ExportFormat, exported
from orchestrator.store.views import Outcome
from schemas.errors import NotExportable
from schemas.results import Result, ReviewResult

Format = Annotated[
    ExportFormat | None,
    Query(alias="format", description="a review's findings as SARIF 2.1.0, or reviewdog's rdjson"),
]
EXPORTS: Final[dict[str, Any]] = {SARIF_TYPE: {"schema": {"type": "object"}}}
"""What the document says of the other formats."""
_RESULT: Final[TypeAdapter[Result]] = TypeAdapter(Result)


def format_asked(request: Request, named: ExportFormat | None) -> ExportFormat | None:
    """The format of the query, else SARIF where `Accept` names it; None for our own."""
    if named is not None:
        return named
    accepted = (
        each.partition(";")[0].strip().lower() for each in request.headers.get("accept", "").split(",")
    )
    return ExportFormat.SARIF if SARIF_TYPE in accepted else None


def export_reply(outcome: Outcome, form: ExportFormat) -> Response:
    """The result in a format; raises `NotExportable` for what is no review."""
    if outcome.result is None:
        raise NotExportable(
            f"The task ended {outcome.status}, so there is nothing to export; see its `error`."
        )
    try:
        result = _RESULT.validate_json(outcome.result)
    except ValidationError:
        raise NotExportable(f"The stored result is none that {form} can be made of.") from None
    if not isinstance(result, ReviewResult):
        raise NotExportable(f"Only a review can be had as {form}; this is the result of {outcome.kind}.")
    media_type = SARIF_TYPE if form is ExportFormat.SARIF else "application/json"
    return Response(orjson.dumps(exported(result, form)), media_type=media_type, headers={"Vary": "Accept"})
