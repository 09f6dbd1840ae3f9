"""What a caller says of a task's result: a rating, whether it was used, a word; one per task and caller."""

from datetime import datetime
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from schemas.base import Value

MOST_COMMENT: Final = 2000

Rating = Annotated[int, Field(strict=True, ge=1, le=5, description="1 (of no use) to 5 (as wished)")]
Comment = Annotated[str, StringConstraints(min_length=1, max_length=MOST_COMMENT, pattern=r"^[^\x00]*$")]


class FeedbackRequest(Value):
    """Feedback to be given; it takes the place of what the same caller has said of the task before."""

    rating: Rating | None = None
    accepted: bool | None = Field(None, strict=True, description="whether the result was used")
    comment: Comment | None = None

    @property
    def rejects(self) -> bool:
        """Whether the result was of no use, so that it shall serve no other task."""
        return self.accepted is False or (
            self.accepted is None and self.rating is not None and self.rating <= 2
        )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.rating is None and self.accepted is None and self.comment is None:
            raise ValueError("must give at least one of rating, accepted and comment")
        return self


class FeedbackView(Value):
    """Feedback as it stands."""

    task_id: UUID
    caller: str = Field(description="id of the API key that it was given with")
    rating: int | None
    accepted: bool | None
    comment: str | None
    provider: str | None = Field(description="who gave the result; none where the task has none")
    model: str | None
    created_at: datetime
    updated_at: datetime


class FeedbackPage(Value):
    """All feedback of a task, oldest first."""

    data: list[FeedbackView]
