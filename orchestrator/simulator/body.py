"""Reads a request's body; what is wrong with it is told by cause, field and detail, in no vendor's words."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from orchestrator.simulator.wire import Cause, Refusal, Refused


class Body(BaseModel):
    """The fields that change the answer; a vendor's many others are accepted unread."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)


B = TypeVar("B", bound=Body)


def read(model: type[B], body: bytes) -> B:
    """The body; raises Refused."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Refused(_refusal(error)) from None


def _refusal(error: ValidationError) -> Refusal:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    param = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return Refusal(Cause.MISSING_FIELD, first["msg"], param)
    if first["type"] == "json_invalid":
        return Refusal(Cause.UNREADABLE, first["msg"])
    return Refusal(Cause.INVALID_VALUE, first["msg"], param)
