"""What an attempt sends first: the task with its tree, fitted to its model; and who judges the answers.

Made in the Celery thread. The same task, model and calibration make the same prompt.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from orchestrator.catalogue import leads, models, tokens
from orchestrator.catalogue.sizes import SESSION_TOKENS
from orchestrator.flow.claim import Lease
from orchestrator.store import views
from schemas.embeddings import EmbedResult
from schemas.errors import Category, Failure
from schemas.notices import Notice
from schemas.results import AnyResult, ChatResult, Check, CodeResult
from schemas.sessions import EarlierTask
from schemas.tasks import ChatRequest, EmbedRequest, TaskKind, TaskRequest
from workers.call import until_stored
from workers.context import (
    SHARE,
    Composed,
    Gathered,
    Message,
    TooLong,
    Unusable,
    compose,
    looked_through,
    render,
    with_history,
)
from workers.context.compose import size
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
    earlier: int = 0
    """How many earlier tasks of its session the prompt tells of."""
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
        """The result, with the tenant's own prompt that it was made with, and the history that was shown."""
        if isinstance(result, EmbedResult):
            return result
        notes = []
        if self.own_version is not None and not isinstance(result, ChatResult):
            said = f"the tenant's own {self.request.kind} prompt, version {self.own_version}"
            notes.append(Check(name="prompt", passed=True, detail=said))
        if self.earlier:
            said = f"earlier tasks of the session that were shown: {self.earlier}"
            notes.append(Check(name="session_history", passed=True, detail=said))
        if not notes:
            return result
        checks = [*notes, *result.verification.checks]
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
        earlier = _earlier(process, lease)
        most = tokens.room(SESSION_TOKENS, factor)
        try:
            made = _made(lease.request, earlier, most, own, room)
        except TooLong:
            if not earlier:
                raise
            made = _made(lease.request, (), most, own, room)
        return replace(made, room=later)
    except Unusable as error:
        return Failure(category=Category.BAD_REQUEST, message=str(error)[:2000])
    except leads.Unfit as error:
        message = f"The tenant's own prompt for {lease.request.kind} {error}."
        return Failure(category=Category.BAD_REQUEST, message=message)
    except TooLong as error:
        message = f"The task does not fit into the context of {model}: {error}."
        return Failure(category=Category.CONTEXT_TOO_LONG, message=message)


def _made(
    request: TaskRequest,
    earlier: Sequence[EarlierTask],
    most: int,
    own: views.OwnPrompt | None,
    room: int | None,
) -> Prompt:
    """The prompt, with up to `most` bytes of earlier tasks in it.

    Raises `TooLong`, `Unusable`, `leads.Unfit`."""
    if room is not None:
        taken = size(render(request)) if isinstance(request, ChatRequest) else 0
        most = min(most, room // SHARE, room - taken)
    told, tasks, messages = with_history(request, earlier, most)
    found, notices = looked_through(told)
    gathered = replace(found, lead=own.template if own else None)
    named = tuple(each.model_copy(update={"where": _where(each.where, messages)}) for each in notices)
    return Prompt(gathered, compose(gathered, room), own.version if own else None, named, tasks)


_IN_MESSAGES: Final = re.compile(r"messages\[(\d+)\]")


def _where(where: str, history: int) -> str:
    """The field as its submitter knows it: the first `history` messages are not the task's own."""
    found = _IN_MESSAGES.match(where) if history else None
    if found is None:
        return where
    number = int(found[1]) - history
    return "session_history" if number < 0 else f"messages[{number}]{where[found.end() :]}"


def _earlier(process: Process, lease: Lease) -> Sequence[EarlierTask]:
    """The earlier tasks of the session, where the task asks for them."""
    request = lease.request
    if isinstance(request, EmbedRequest) or not request.context.session_history:
        return ()
    return process.wait(
        until_stored(lambda: views.earlier_tasks(process.parts.db, lease.tenant_id, lease.task_id))
    )


def _own_lead(process: Process, lease: Lease) -> views.OwnPrompt | None:
    """The lead that the tenant has put in place of the kind's; a few seconds old at most."""
    if lease.request.kind in (TaskKind.CHAT, TaskKind.EMBED):
        return None
    found = views.recent_prompts(lease.tenant_id)
    if found is None:
        found = process.wait(until_stored(lambda: views.prompts(process.parts.db, lease.tenant_id)))
    return found.get(lease.request.kind)
