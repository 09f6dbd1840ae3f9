"""What an attempt sends first: the task with its tree, fitted to its model; and who judges the answers.

Made in the Celery thread. The same task, model and calibration make the same prompt.
"""

from dataclasses import dataclass

from orchestrator.catalogue import models
from orchestrator.flow.claim import Lease
from schemas.errors import Category, Failure
from schemas.results import CodeResult
from schemas.tasks import TaskRequest
from workers.context import Composed, Gathered, Message, TooLong, Unusable, compose, gather
from workers.process import Process
from workers.verify import Accepted, Rejected, verify
from workers.verify.unseen import lost_unseen


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent first, and what it was made of; `request` has its whole tree in `files`."""

    gathered: Gathered
    composed: Composed

    @property
    def request(self) -> TaskRequest:
        """The task, with the files of its bundle."""
        return self.gathered.request

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages of the first call."""
        return self.composed.messages

    def judge(self, answer: str) -> Accepted | Rejected:
        """The result that an answer amounts to, or what to mend in it."""
        verdict = verify(self.request, answer)
        if not isinstance(verdict, Accepted) or not isinstance(verdict.result, CodeResult):
            return verdict
        unread = [each.path for each in self.gathered.unread]
        problems = lost_unseen(verdict.result, self.composed.hidden, unread)
        return Rejected(tuple(problems)) if problems else verdict


def prompt(process: Process, lease: Lease) -> Prompt | Failure:
    """The prompt for the candidate that the lease stands at, or why there can be none."""
    vendor, model = lease.provider.vendor, lease.candidate.model
    if process.calibration.curious(vendor, model):
        process.wait(process.calibration.recall(process.parts.volatile, vendor, model))
    factor = process.calibration.factor(vendor, model)
    room = models.prompt_room(vendor, model, lease.request.preferences.max_tokens, factor)
    try:
        gathered = gather(lease.request)
        return Prompt(gathered, compose(gathered, room))
    except Unusable as error:
        return Failure(category=Category.BAD_REQUEST, message=str(error)[:2000])
    except TooLong as error:
        message = f"The task does not fit into the context of {model}: {error}."
        return Failure(category=Category.CONTEXT_TOO_LONG, message=message)
