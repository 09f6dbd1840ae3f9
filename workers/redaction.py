"""Redaction on the way of a call: whether this task's messages are redacted, and its answers made whole.

It computes, so it belongs into the Celery thread.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.flow.claim import Lease, PaidAnswer
from orchestrator.store import views
from schemas.notices import Notice, NoticeKind
from schemas.tasks import ChatRequest
from workers.context import Message, Redacted, may_hold_placeholders, redact
from workers.process import Process


async def is_redacted(process: Process, lease: Lease) -> bool:
    """Whether the tenant's rule and the task's wish have it redacted; the rule as it is now."""
    config = await views.routing_config(process.parts.db, lease.tenant_id)
    return config.redaction.applies(lease.request.preferences.redaction)


def redacted(
    lease: Lease, messages: Sequence[Message], first: Sequence[Message] | None = None, *, wanted: bool
) -> Redacted:
    """The messages as they may leave, and the schema of the answer; `first` as in `redact`."""
    schema = schema_of(lease)
    if not wanted:
        return Redacted(tuple(messages), {}, schema)
    return redact(messages, lease.tenant_id.bytes, first, schema)


def schema_of(lease: Lease) -> Mapping[str, Any] | None:
    """The schema that the task wants its answer by."""
    return lease.request.context.answer_schema if isinstance(lease.request, ChatRequest) else None


def as_sent(lease: Lease, sent: Redacted) -> Lease:
    """The lease for the call alone: its task asks by the schema that may leave."""
    request = lease.request
    if not isinstance(request, ChatRequest) or sent.schema == request.context.answer_schema:
        return lease
    context = request.context.model_copy(update={"answer_schema": sent.schema})
    return lease.asking(request.model_copy(update={"context": context}))


def made_whole(answer: PaidAnswer, sent: Redacted) -> PaidAnswer:
    """An answer with the hidden values back in it."""
    return replace(answer, text=sent.restore(answer.text), hidden=sent.told)


def found_whole(
    lease: Lease, messages: Sequence[Message], answer: PaidAnswer, first: Sequence[Message] | None = None
) -> PaidAnswer:
    """The same for an answer that was paid before: equal messages have equal placeholders."""
    if not may_hold_placeholders(answer.text):
        return answer
    return made_whole(answer, redacted(lease, messages, first, wanted=True))


def notices_of(answer: PaidAnswer) -> list[Notice]:
    """That values were hidden from the provider, if any were."""
    if not answer.hidden:
        return []
    detail = f"hidden from the provider, and put back here: {answer.hidden}"
    return [Notice(kind=NoticeKind.REDACTED, where="context", detail=detail)]
