"""What all values share: one base, frozen and strict about unknown fields, and one spelling of times."""

import re
from datetime import datetime
from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict

_DATE_AND_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:")


class Value(BaseModel):
    """A frozen value; an unknown field is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _written_out(given: object) -> object:
    """A time as it is written in RFC 3339; a bare number could mean seconds or milliseconds."""
    if isinstance(given, datetime) or (isinstance(given, str) and _DATE_AND_TIME.match(given)):
        return given
    raise ValueError("must be a date and time as RFC 3339 writes it, such as '2030-01-31T09:30:00Z'")


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
"""A time with its zone, as requests give it."""
