"""What an earlier task of a session leaves to those after it."""

from datetime import datetime

from schemas.base import Value
from schemas.tasks import TaskKind


class EarlierTask(Value):
    """A task that succeeded: what it asked, and what came of it, each cut to a bounded length."""

    kind: TaskKind
    finished_at: datetime
    asked: str
    answered: str
