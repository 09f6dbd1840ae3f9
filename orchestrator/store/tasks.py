"""The writing statements of a task's own row: submit, claim, move, wake.

Each is one guarded statement; zero rows is an answer ("not yours", "too late"), not an error.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from orchestrator import clock
from orchestrator.store import families
from orchestrator.store.engine import Connection, Database
from orchestrator.store.statements import Row, Statement, text
from schemas.errors import FOLLOWS, Category, Follow
from schemas.events import EventName
from schemas.moves import Counters, Fence, Happening, Move, Standing
from schemas.providers import Candidate, queue_of

MAX_DELIVERIES = 12
"""Tries of one webhook delivery: with growing waits, about a day."""

EVENTS = """
    events_written AS (
        INSERT INTO events (task_id, seq, tenant_id, name, at, data)
        SELECT moved.id, moved.event_seq - cardinality(CAST(:names AS text[])) + e.position,
               moved.tenant_id, e.name, clock_timestamp(), CAST(e.data AS jsonb)
        FROM moved, unnest(CAST(:names AS text[]), CAST(:datas AS text[]))
            WITH ORDINALITY AS e (name, data, position)
    )"""
"""Writes the given events under the lock of the row that `moved` has just updated."""

HOLDER_OF_KEY = text(
    "SELECT task_id, body_hash FROM idempotency_keys WHERE tenant_id = :tenant_id AND key = :key"
)

INSERT = text(
    """
    WITH claimed AS (
        INSERT INTO idempotency_keys (tenant_id, key, task_id, body_hash)
        SELECT :tenant_id, CAST(:key AS text), :id, CAST(:body_hash AS bytea)
        WHERE CAST(:key AS text) IS NOT NULL
        ON CONFLICT (tenant_id, key) DO NOTHING
        RETURNING task_id
    ), given AS (
        SELECT clock_timestamp() AS now, CAST(:run_at AS timestamptz) AS run_at,
               CAST(:deadline AS timestamptz) AS deadline
        WHERE CAST(:key AS text) IS NULL OR EXISTS (SELECT FROM claimed)
    ), timed AS (
        SELECT now, greatest(coalesce(run_at, now), now) AS run_at, coalesce(run_at <= now, true) AS ready,
               coalesce(deadline, greatest(coalesce(run_at, now), now) + interval '24 hours') AS deadline
        FROM given
    ), moved AS (
        INSERT INTO tasks (id, tenant_id, kind, status, status_reason, priority, queue, provider_id,
            run_at, rank, ready, deadline, max_attempts, max_crashes, event_seq, retry_of, labels,
            webhook_url, user_id, session_id, api_key_id, created_at, queued_at)
        SELECT :id, :tenant_id, :kind, CASE WHEN ready THEN 'queued' ELSE 'scheduled' END,
            CASE WHEN ready THEN 'waiting_for_worker' END, :priority, :queue, :provider_id,
            run_at, run_at - make_interval(secs => :bonus), ready, deadline, :max_attempts, :max_crashes,
            1, CAST(:retry_of AS uuid), CAST(:labels AS text[]),
            CAST(:webhook_url AS text), CAST(:user_id AS text),
            CAST(:session_id AS text), CAST(:api_key_id AS text), now, CASE WHEN ready THEN now END
        FROM timed
        RETURNING *
    ), payload AS (
        INSERT INTO task_payloads (id, tenant_id, request, candidates, explanation)
        SELECT id, tenant_id, CAST(:request AS jsonb), CAST(:candidates AS jsonb), CAST(:explanation AS jsonb)
        FROM moved
    ), events_written AS (
        INSERT INTO events (task_id, seq, tenant_id, name, at, data)
        SELECT id, 1, tenant_id, 'task.' || status, created_at,
            jsonb_build_object('kind', kind, 'queue', queue) FROM moved
    )
    SELECT * FROM moved
    """
)
"""One task with its payload and first event; no row where the Idempotency-Key is taken already."""

_RETRIED = ", ".join(
    f"'{category}'"
    for category, follow in FOLLOWS.items()
    if follow is Follow.RETRY and category is not Category.CRASHED
)

LEASED = f"""
    SELECT moved.id, moved.tenant_id, moved.parent_id, moved.api_key_id, moved.attempt, moved.candidate,
        moved.failures, moved.candidate_failures, moved.crashes, moved.max_attempts, moved.max_crashes,
        extract(epoch FROM moved.deadline - clock_timestamp()) AS seconds_left,
        CAST(payload.request AS text) AS request, CAST(payload.candidates AS text) AS candidates,
        provider.name AS provider, provider.vendor, provider.wire, provider.base_url,
        provider.credential, provider.simulated, provider.concurrency_limit, moved.provider_id,
        provider.options, provider.trusted,
        provider.model AS provider_model, paid.answers AS paid_answers,
        judgement.call_id AS judgement_call_id, judgement.answer AS judgement_answer,
        gate.kind AS gate_kind, gate.reason AS gate_reason,
        least(extract(epoch FROM gate.closed_until - clock_timestamp()), 86400)::float8 AS gate_seconds,
        moved.attempt > 1 AND EXISTS (
            SELECT FROM attempts WHERE attempts.task_id = moved.id AND attempts.attempt < moved.attempt
                AND attempts.provider_id = moved.provider_id AND attempts.outcome IN ({_RETRIED})
        ) AS is_retry,
        coalesce((
            SELECT state <> 'closed' FROM gates WHERE kind = 'circuit' AND subject = moved.provider_id::text
                AND model = payload.candidates -> moved.candidate::int ->> 'model'
        ), false) AS circuit_noted
    FROM moved
    JOIN task_payloads AS payload ON payload.id = moved.id
    JOIN providers AS provider ON provider.id = moved.provider_id
    LEFT JOIN LATERAL (
        SELECT kind, reason, closed_until FROM gates
        WHERE kind <> 'circuit' AND subject = provider.account AND state <> 'closed'
            AND closed_until > statement_timestamp()
        ORDER BY closed_until DESC LIMIT 1
    ) AS gate ON true
    LEFT JOIN LATERAL (
        SELECT CAST(jsonb_agg(jsonb_build_object(
            'call_id', calls.id, 'purpose', calls.purpose, 'text', call_answers.answer,
            'model', calls.served_model, 'cut', calls.category IS NOT DISTINCT FROM 'output_limit'
        ) ORDER BY calls.id) AS text) AS answers, max(calls.ended_at) AS ended_at
        FROM calls JOIN call_answers ON call_answers.call_id = calls.id
        WHERE moved.attempt > 1 AND calls.task_id = moved.id AND calls.status = 'answered'
            AND calls.verdict IS DISTINCT FROM 'superseded' AND calls.purpose NOT IN ('verifier', 'lookup')
            AND calls.attempt > coalesce((
                SELECT max(attempts.attempt) FROM attempts
                WHERE attempts.task_id = moved.id AND attempts.outcome = 'answer_rejected'
            ), 0)
    ) AS paid ON true
    LEFT JOIN LATERAL (
        SELECT calls.id AS call_id, call_answers.answer
        FROM calls JOIN call_answers ON call_answers.call_id = calls.id
        WHERE paid.ended_at IS NOT NULL AND calls.task_id = moved.id AND calls.status = 'answered'
            AND calls.purpose = 'verifier' AND calls.started_at >= paid.ended_at
        ORDER BY calls.id DESC LIMIT 1
    ) AS judgement ON true"""
"""What a worker needs to know of the task that `moved` has just leased to it.

`paid_answers`: those that a provider was paid for and that were not given up, in their order.
"""

CLAIM = text(
    f"""
    WITH moved AS (
        UPDATE tasks SET status = 'running', status_reason = NULL, attempt = attempt + 1,
            lease_token = :token, lease_until = clock_timestamp() + make_interval(secs => :lease),
            boot_id = :boot_id, started_at = coalesce(started_at, clock_timestamp()), nudged_at = NULL,
            event_seq = event_seq + 1
        WHERE id = :id AND status = 'queued' AND ready AND run_at <= clock_timestamp()
            AND queue = ANY (CAST(:queues AS text[])) AND deadline > clock_timestamp()
            AND failures < max_attempts AND crashes < max_crashes
        RETURNING *
    ), attempt_written AS (
        INSERT INTO attempts (task_id, attempt, boot_id, provider_id, started_at)
        SELECT id, attempt, boot_id, provider_id, clock_timestamp() FROM moved
    ), events_written AS (
        INSERT INTO events (task_id, seq, tenant_id, name, at, data)
        SELECT moved.id, moved.event_seq, moved.tenant_id, 'task.started', clock_timestamp(),
            jsonb_build_object('attempt', moved.attempt, 'provider', provider.name)
        FROM moved JOIN providers AS provider ON provider.id = moved.provider_id
    )
    {LEASED}
    """
)
"""The lease, with all that a worker needs; the paid answers too, for a task that ran before."""

CLAIMED = text(
    f"""
    WITH moved AS (
        SELECT * FROM tasks
        WHERE id = :id AND lease_token = :token AND status = 'running' AND lease_until > clock_timestamp()
    )
    {LEASED}
    """
)
"""The claim of this token, if it was committed although its answer got lost."""

_MOVE = f"""
    WITH {{before}}moved AS (
        UPDATE tasks SET status = :status, status_reason = CAST(:reason AS text), queue = :queue,
            provider_id = :provider_id, candidate = :candidate, failures = :failures,
            candidate_failures = :candidate_failures, crashes = :crashes,
            run_at = CASE WHEN CAST(:delay AS float8) IS NULL THEN run_at
                ELSE clock_timestamp() + make_interval(secs => CAST(:delay AS float8)) END,
            rank = CASE WHEN CAST(:delay AS float8) IS NULL THEN rank
                ELSE clock_timestamp() + make_interval(secs => CAST(:delay AS float8)) + (rank - run_at) END,
            ready = (:status = 'queued' AND coalesce(CAST(:delay AS float8), 0) <= 0),
            nudged_at = NULL,
            lease_token = CASE WHEN :status = 'canceling' THEN lease_token END,
            lease_until = CASE WHEN :status = 'canceling' THEN lease_until END,
            boot_id = CASE WHEN :status = 'canceling' THEN boot_id END,
            queued_at = CASE WHEN :status = 'queued' THEN clock_timestamp() ELSE queued_at END,
            canceling_at = CASE WHEN :status = 'canceling' THEN clock_timestamp() ELSE canceling_at END,
            finished_at = CASE WHEN :status IN ('succeeded', 'failed', 'canceled', 'expired')
                THEN clock_timestamp() END,
            waits_for_nanos = CAST(:asked_nanos AS bigint), quality = CAST(:quality AS smallint),
            served_tokens = CAST(:served_tokens AS bigint),
            error = CAST(:error AS jsonb), event_seq = event_seq + cardinality(CAST(:names AS text[]))
        WHERE id = :id AND status = :from_status AND attempt = :attempt
            AND lease_token IS NOT DISTINCT FROM CAST(:token AS uuid)
            AND (NOT :unexpired OR lease_until > clock_timestamp()){{guard}}
        RETURNING *
    ), result_written AS (
        INSERT INTO task_results (id, tenant_id, result)
        SELECT id, tenant_id, CAST(:result AS jsonb) FROM moved WHERE CAST(:result AS jsonb) IS NOT NULL
    ), attempt_ended AS (
        UPDATE attempts SET ended_at = clock_timestamp(), outcome = :outcome
        FROM moved
        WHERE attempts.task_id = moved.id AND attempts.attempt = moved.attempt
            AND attempts.ended_at IS NULL AND :status <> 'canceling'
    ), delivery AS (
        INSERT INTO deliveries (id, tenant_id, task_id, event, url, status)
        SELECT CAST(:delivery_id AS uuid), tenant_id, id, 'task.' || status, webhook_url, 'pending'
        FROM moved WHERE finished_at IS NOT NULL AND webhook_url IS NOT NULL
        RETURNING id, tenant_id
    ), chore AS (
        INSERT INTO chores (id, tenant_id, kind, subject_id, status, max_attempts)
        SELECT CAST(:chore_id AS uuid), tenant_id, 'delivery', id, 'queued', :max_deliveries FROM delivery
    ), verdict_written AS (
        UPDATE calls SET verdict = CAST(:verdict AS text)
        FROM moved WHERE calls.id = CAST(:call_id AS uuid) AND calls.status = 'answered'
    ), {EVENTS}{{after}}
    SELECT moved.id, moved.status{{whom}}
    """

MOVE = text(_MOVE.format(before="", guard="", after="", whom=families.NOBODY_TOLD))
END_CHILD = text(
    _MOVE.format(
        before=families.PARENT_LOCKED,
        guard=families.PARENT_FIRST,
        after=families.PARENT_TOLD,
        whom=families.WHOM_TOLD,
    )
)
"""The move that ends a child: its parent is locked first, and told in the same statement."""

STANDING = text(
    """
    SELECT id, tenant_id, status, attempt, lease_token, candidate, failures, candidate_failures, crashes,
        max_attempts, max_crashes, boot_id, parent_id,
        extract(epoch FROM deadline - clock_timestamp()) AS seconds_left,
        (SELECT CAST(candidates AS text) FROM task_payloads WHERE task_payloads.id = tasks.id) AS candidates
    FROM tasks WHERE id = :id AND tenant_id = :tenant_id
    FOR NO KEY UPDATE
    """
)

ENDED_ATTEMPT = text(
    """
    SELECT tasks.status, attempts.outcome FROM attempts JOIN tasks ON tasks.id = attempts.task_id
    WHERE attempts.task_id = :id AND attempts.attempt = :attempt AND attempts.ended_at IS NOT NULL
    """
)

WAKE = text(
    """
    WITH due AS (
        SELECT id FROM tasks
        WHERE status IN ('queued', 'scheduled') AND NOT ready AND run_at <= statement_timestamp()
        ORDER BY run_at LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
    ), moved AS (
        UPDATE tasks SET status = 'queued', status_reason = 'waiting_for_worker', ready = true,
            queued_at = clock_timestamp(), event_seq = event_seq + 1
        FROM due WHERE tasks.id = due.id AND NOT tasks.ready AND tasks.status IN ('queued', 'scheduled')
        RETURNING tasks.*
    ), events_written AS (
        INSERT INTO events (task_id, seq, tenant_id, name, at, data)
        SELECT id, event_seq, tenant_id, 'task.queued', clock_timestamp(), '{}' FROM moved
    )
    SELECT id, queue, provider_id, tenant_id FROM moved
    """
)

OVERDUE = text(
    """
    SELECT id, tenant_id, status, attempt, lease_token, candidate, failures, candidate_failures, crashes,
        max_attempts, max_crashes, boot_id, parent_id,
        extract(epoch FROM deadline - clock_timestamp()) AS seconds_left,
        (SELECT CAST(candidates AS text) FROM task_payloads WHERE task_payloads.id = tasks.id) AS candidates
    FROM tasks
    WHERE status IN ('scheduled', 'queued', 'running', 'canceling') AND deadline < statement_timestamp()
    ORDER BY deadline LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
    """
)


def event_arrays(happenings: Sequence[Happening]) -> dict[str, list[str]]:
    """The two parallel arrays that the `EVENTS` fragment takes."""
    return {
        "names": [str(happening.name) for happening in happenings],
        "datas": [orjson.dumps(happening.data).decode() for happening in happenings],
    }


def as_json(candidates: Sequence[Candidate]) -> str:
    """Candidates as they are stored with the task."""
    return orjson.dumps([candidate.model_dump(mode="json") for candidate in candidates]).decode()


def standing_of(row: Row) -> Standing:
    """Where the task of a row stands."""
    return Standing(
        counters=Counters(row.candidate, row.failures, row.candidate_failures, row.crashes),
        max_attempts=row.max_attempts,
        max_crashes=row.max_crashes,
        seconds_left=float(row.seconds_left),
        candidates=tuple(Candidate.model_validate(each) for each in orjson.loads(row.candidates)),
    )


async def move(
    run: Database | Connection,
    fence: Fence,
    to: Move,
    candidates: Sequence[Candidate],
    *,
    outcome: str | None = None,
    result: str | None = None,
    call_id: UUID | None = None,
    verdict: str | None = None,
) -> Row | None:
    """Carry a move out if the fence still holds; the new state and the parent told, or None if it doesn't."""
    candidate = candidates[to.counters.candidate]
    params = {
        "id": fence.task_id,
        "from_status": fence.status,
        "attempt": fence.attempt,
        "token": fence.token,
        "unexpired": fence.unexpired,
        "status": to.status,
        "reason": to.reason,
        "queue": queue_of(candidate.vendor),
        "provider_id": candidate.provider_id,
        "candidate": to.counters.candidate,
        "failures": to.counters.failures,
        "candidate_failures": to.counters.candidate_failures,
        "crashes": to.counters.crashes,
        "delay": to.delay,
        "asked_nanos": to.asked_nanos,
        "quality": to.quality,
        "served_tokens": to.served_tokens,
        "error": to.error.model_dump_json() if to.error else None,
        "outcome": outcome or to.status,
        "result": result,
        "call_id": call_id,
        "verdict": verdict,
        "delivery_id": clock.new_id(),
        "chore_id": clock.new_id(),
        "max_deliveries": MAX_DELIVERIES,
        **event_arrays(to.happenings),
    }
    if fence.parent_id is not None and to.status.terminal:
        rows = await rows_of(run, END_CHILD, params | {"parent_id": fence.parent_id})
    else:
        rows = await rows_of(run, MOVE, params)
    return rows[0] if rows else None


async def rows_of(run: Database | Connection, statement: Statement, params: dict[str, Any]) -> Sequence[Row]:
    """The rows of a statement, inside the caller's transaction or as one of its own."""
    if isinstance(run, Database):
        return await run.run(statement, **params)
    return await run.execute(statement, params)


SUPERSEDE = text(
    f"""
    WITH locked AS (
        SELECT id, status FROM tasks WHERE id = :task_id FOR NO KEY UPDATE
    ), marked AS (
        UPDATE calls SET verdict = 'superseded'
        FROM locked WHERE calls.id = :call_id AND calls.status = 'answered' AND calls.verdict IS NULL
            AND locked.status IN ('succeeded', 'failed', 'canceled', 'expired')
        RETURNING calls.task_id
    ), moved AS (
        UPDATE tasks SET event_seq = event_seq + 1 FROM marked WHERE tasks.id = marked.task_id
        RETURNING tasks.id, tasks.tenant_id, tasks.event_seq
    ), {EVENTS}
    SELECT id FROM moved
    """
)
"""A late answer of an ended task is no result. One of a living task stays, for its next attempt."""


async def supersede(db: Database, task_id: UUID, call_id: UUID, attempt: int) -> None:
    """Record that the answer of a fenced-off worker was not used, if the task has ended."""
    happening = Happening(EventName.SUPERSEDED, {"attempt": attempt, "call_id": str(call_id)})
    params = {"task_id": task_id, "call_id": call_id, **event_arrays([happening])}
    await db.run(SUPERSEDE, **params)
