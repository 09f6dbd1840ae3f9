"""The one table of named events.

Each is emitted once at the move it names; its docstring-like text here is the reference. Names are
the contract of SSE, webhooks, logs and the events table.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from schemas.base import Value
from schemas.tasks import TaskStatus


class EventName(StrEnum):
    """The names of task events."""

    SCHEDULED = "task.scheduled"
    QUEUED = "task.queued"
    DISPATCHED = "task.dispatched"
    STARTED = "task.started"
    CALL_STARTED = "call.started"
    FIRST_TOKEN = "call.first_token"
    CALL_ANSWERED = "call.answered"
    CALL_FAILED = "call.failed"
    HOLD_EXCEEDED = "call.hold_exceeded"
    CALL_UNKNOWN = "call.unknown"
    HANDED_OVER = "task.handed_over"
    JOB_ENDED = "task.job_ended"
    VERIFYING = "task.verifying"
    REPAIRING = "task.repairing"
    SERVED = "task.served_from_cache"
    RETRYING = "task.retrying"
    FAILED_OVER = "task.failed_over"
    HANDED_BACK = "task.handed_back"
    RESCUED = "task.rescued"
    ADOPTED = "attempt.adopted"
    SUPERSEDED = "attempt.superseded"
    CHILD_ENDED = "task.child_ended"
    CANCELING = "task.canceling"
    SUCCEEDED = "task.succeeded"
    FAILED = "task.failed"
    CANCELED = "task.canceled"
    EXPIRED = "task.expired"
    FEEDBACK = "task.feedback"


MEANINGS: Final[dict[EventName, str]] = {
    EventName.SCHEDULED: "accepted, to run at a later time",
    EventName.QUEUED: "accepted and ready to run, or ready again after its time came",
    EventName.DISPATCHED: "a nudge was put on the provider's queue",
    EventName.STARTED: "a worker claimed the task; data: attempt, provider",
    EventName.CALL_STARTED: "a call's intent was committed; data: call_id, provider, model, purpose",
    EventName.FIRST_TOKEN: "the provider began to answer; data: call_id",
    EventName.CALL_ANSWERED: "a complete answer was booked; data: call_id, tokens, cost_usd",
    EventName.CALL_FAILED: "a call failed and was booked; data: call_id, category, cost_usd",
    EventName.HOLD_EXCEEDED: "a bill above its call's hold was booked in full; data: hold_usd, cost_usd",
    EventName.CALL_UNKNOWN: "a call's process died before its outcome; charged at its hold",
    EventName.HANDED_OVER: "the task waits for a job of its provider, without a worker; data: call_id",
    EventName.JOB_ENDED: "the provider's job brought an answer, to be verified; data: call_id",
    EventName.VERIFYING: "a paid answer is being checked",
    EventName.REPAIRING: "the answer was not usable and is asked for again; data: problems",
    EventName.SERVED: "a kept answer was used; data: layer, entry, likeness, tokens, saved_usd",
    EventName.RETRYING: "the attempt failed and another follows; data: category, next_attempt_at",
    EventName.FAILED_OVER: "the next provider of the route takes over; data: from, to, category",
    EventName.HANDED_BACK: "a stopping worker gave the task back",
    EventName.RESCUED: "the lease of a dead worker was taken back; data: crashes",
    EventName.ADOPTED: "a worker that had lost its lease goes on with the answer it paid for; data: attempt",
    EventName.SUPERSEDED: "a late result of a fenced-off worker was recorded and not used",
    EventName.CHILD_ENDED: "one of the tasks that a consensus asked has ended; data: child_id, status, open",
    EventName.CANCELING: "cancel was asked for while running",
    EventName.SUCCEEDED: "the answer was verified and stored; data: quality, lowered_by",
    EventName.FAILED: "the task failed for good; data: code, category",
    EventName.CANCELED: "the task was cancelled",
    EventName.EXPIRED: "the deadline passed",
    EventName.FEEDBACK: "a caller said what the result was worth; data: rating, accepted",
}

ENDINGS: Final[dict[TaskStatus, EventName]] = {
    TaskStatus.SUCCEEDED: EventName.SUCCEEDED,
    TaskStatus.FAILED: EventName.FAILED,
    TaskStatus.CANCELED: EventName.CANCELED,
    TaskStatus.EXPIRED: EventName.EXPIRED,
}


class TaskEvent(Value):
    """One event of a task; `id` counts from 1 within the task and never repeats."""

    id: int
    task_id: UUID
    name: EventName
    at: datetime
    data: dict[str, Any]
