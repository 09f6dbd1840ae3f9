"""What an attempt sends first: the task with its tree, fitted to its model; and who judges the answers.

Made in the Celery thread. The same task, model and calibration make the same prompt.
"""

from dataclasses import dataclass, replace

from orchestrator.catalogue import leads, models
from orchestrator.flow.claim import Lease
from orchestrator.store import views
from schemas.embeddings import EmbedResult
from schemas.errors import Category, Failure
from schemas.notices import Notice
from schemas.results import AnyResult, ChatResult, Check, CodeResult
from schemas.tasks import TaskKind, TaskRequest
from workers.call import until_stored
from workers.context import Composed, Gathered, Message, TooLong, Unusable, compose, looked_through
from workers.process import Process
from workers.verify import Accepted, Rejected
from workers.verify.unseen import lost_unseen


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent first, and what it was made of; `request` has its whole tree in `files`."""

    gathered: Gathered
    composed: Composed
    own_version: str | None = None
    """The version of the tenant's own lead, where it has one."""
    notices: tuple[Notice, ...] = ()
    """What was found in the task before it was shown to a model."""
    room: int | None = None
    """The UTF-8 bytes that a prompt which mends an answer may have; None: nobody knows."""

    @property
    def request(self) -> TaskRequest:
        """The task, with the files of its bundle."""
        return self.gathered.request

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages of the first call."""
        return self.composed.messages

    def check(self, verdict: Accepted) -> Accepted | Rejected:
        """The verdict, unless the answer loses what its model was not shown."""
        if not isinstance(verdict.result, CodeResult):
            return verdict
        unread = [each.path for each in self.gathered.unread]
        problems = lost_unseen(verdict.result, self.composed.hidden, unread)
        return Rejected(tuple(problems)) if problems else verdict

    def note(self, result: AnyResult) -> AnyResult:
        """The result, with the tenant's own prompt that it was made with."""
        if self.own_version is None or isinstance(result, ChatResult | EmbedResult):
            return result
        said = f"the tenant's own {self.request.kind} prompt, version {self.own_version}"
        checks = [Check(name="prompt", passed=True, detail=said), *result.verification.checks]
        verification = result.verification.model_copy(update={"checks": checks})
        return result.model_copy(update={"verification": verification})


def prompt(process: Process, lease: Lease) -> Prompt | Failure:
    """The prompt for the candidate that the lease stands at, or why there can be none."""
    vendor, model = lease.provider.vendor, lease.candidate.model
    if process.calibration.curious(vendor, model):
        process.wait(process.calibration.recall(process.parts.volatile, vendor, model))
    factor = process.calibration.factor(vendor, model)
    wish = lease.request.preferences.max_tokens
    room = models.prompt_room(vendor, model, wish, factor)
    later = models.repair_room(vendor, model, wish, factor)
    try:
        own = _own_lead(process, lease)
        found, notices = looked_through(lease.request)
        gathered = replace(found, lead=own.template if own else None)
        return Prompt(gathered, compose(gathered, room), own.version if own else None, notices, later)
    except Unusable as error:
        return Failure(category=Category.BAD_REQUEST, message=str(error)[:2000])
    except leads.Unfit as error:
        message = f"The tenant's own prompt for {lease.request.kind} {error}."
        return Failure(category=Category.BAD_REQUEST, message=message)
    except TooLong as error:
        message = f"The task does not fit into the context of {model}: {error}."
        return Failure(category=Category.CONTEXT_TOO_LONG, message=message)


def _own_lead(process: Process, lease: Lease) -> views.OwnPrompt | None:
    """The lead that the tenant has put in place of the kind's; a few seconds old at most."""
    if lease.request.kind in (TaskKind.CHAT, TaskKind.EMBED):
        return None
    found = views.recent_prompts(lease.tenant_id)
    if found is None:
        found = process.wait(until_stored(lambda: views.prompts(process.parts.db, lease.tenant_id)))
    return found.get(lease.request.kind)
