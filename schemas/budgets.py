"""Budgets: who they bind, over which window, how hard."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import Field, field_validator, model_validator

from schemas.base import Value
from schemas.calls import NANOS_PER_DOLLAR


class Scope(StrEnum):
    """Whose spending a budget counts."""

    TENANT = "tenant"
    USER = "user"
    KEY = "key"
    PROVIDER = "provider"
    SESSION = "session"


class Period(StrEnum):
    """How long a window lasts, in UTC; `total` never ends."""

    DAY = "day"
    MONTH = "month"
    TOTAL = "total"


class OnBudget(StrEnum):
    """What a task does that meets an exhausted hard budget."""

    WAIT = "wait"
    FAIL = "fail"


MAX_DOLLARS: Final = 9_000_000_000
THRESHOLDS: Final = (50, 80, 100)

Dollars = Annotated[
    str, Field(pattern=r"^[0-9]{1,10}(\.[0-9]{1,9})?$", description="dollars, as a decimal string")
]


def nanos_of(amount: str) -> int:
    """A decimal string of dollars in nano-dollars, without loss."""
    whole, _, part = amount.partition(".")
    return int(whole) * NANOS_PER_DOLLAR + int(part.ljust(9, "0") or 0)


class BudgetRequest(Value):
    """A budget to be made."""

    scope: Scope
    subject: str | None = Field(
        None, min_length=1, max_length=200, description="user, key, provider or session; none for the tenant"
    )
    period: Period
    limit_usd: Dollars
    hard: bool = True

    @field_validator("limit_usd")
    @classmethod
    def _is_something(cls, amount: str) -> str:
        if not 0 < nanos_of(amount) <= MAX_DOLLARS * NANOS_PER_DOLLAR:
            raise ValueError(f"must be more than 0 and at most {MAX_DOLLARS}")
        return amount

    @model_validator(mode="after")
    def _subject_fits_the_scope(self) -> Self:
        if (self.scope is Scope.TENANT) != (self.subject is None):
            raise ValueError("subject: leave it out for the tenant's own budget, and give it for any other")
        return self


class Budget(Value):
    """A budget with what its current window has used; money as decimal strings of dollars."""

    id: UUID
    scope: Scope
    subject: str | None
    period: Period
    hard: bool
    limit_usd: str
    spent_usd: str
    held_usd: str
    remaining_usd: str
    window_starts: datetime | None
    window_ends: datetime | None
    created_at: datetime
