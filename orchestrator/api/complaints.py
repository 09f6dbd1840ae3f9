"""What is wrong with a field, in words that say what would be right."""

import difflib
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from schemas.errors import FieldError

_LONGEST: Final = 200
_REWORDED: Final = (
    ("Input should be a valid ", "must be a valid "),
    ("Input should have ", "must have "),
    ("Input should be ", "must be "),
    ("Field required", "is required"),
    ("Value error, ", ""),
    ("String should ", "must "),
    ("List should ", "must "),
    ("Dictionary should ", "must "),
)


def field_errors(error: ValidationError, model: type[BaseModel] | None, skip: int) -> list[FieldError]:
    """All complaints of a validation; `skip` leading parts of each location are no field's name."""
    return [
        field_error({**each, "loc": each["loc"][skip:]}, model)
        for each in error.errors(include_url=False, include_input=False)
    ]


def field_error(complaint: Mapping[str, Any], model: type[BaseModel] | None) -> FieldError:
    """One complaint of pydantic's; `model` is what the location starts in."""
    loc = tuple(complaint["loc"])
    if complaint["type"] == "unknown_kind":
        return FieldError(field="kind", message=complaint["msg"], code="unknown_kind")
    field = _shown(".".join(str(part) for part in loc)) or "body"
    if complaint["type"] == "extra_forbidden":
        return FieldError(field=field, message=_unknown(loc, model), code="unknown_field")
    return FieldError(field=field, message=f"{field} {_reworded(complaint['msg'])}", code=complaint["type"])


def _unknown(loc: Sequence[str | int], model: type[BaseModel] | None) -> str:
    name = _shown(str(loc[-1]))
    where = _shown(".".join(str(part) for part in loc[:-1]))
    allowed = sorted(_model_at(model, loc[:-1]).model_fields) if model else []
    message = f"there is no field {name!r}" + (f" in {where}" if where else "")
    near = difflib.get_close_matches(name, allowed, n=1)
    if near:
        message += f" (did you mean {near[0]!r}?)"
    return message + (f"; known are {', '.join(allowed)}" if allowed else "")


def _model_at(model: type[BaseModel], loc: Sequence[str | int]) -> type[BaseModel]:
    for part in loc:
        field = model.model_fields.get(str(part))
        inner = _first_model(field.annotation) if field else None
        model = inner or model
    return model


def _first_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_first_model(inner) for inner in typing.get_args(annotation))
    return next((model for model in found if model is not None), None)


def _reworded(message: str) -> str:
    for said, better in _REWORDED:
        if message.startswith(said):
            return better + message[len(said) :]
    return message[0].lower() + message[1:] if message else "does not fit"


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
