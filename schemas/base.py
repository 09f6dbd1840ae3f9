"""The one base of all values: frozen, strict about unknown fields, cheap to compare."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value; an unknown field is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)
