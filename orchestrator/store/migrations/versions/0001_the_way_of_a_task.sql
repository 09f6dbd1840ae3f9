CREATE TABLE tenants (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    weight integer NOT NULL DEFAULT 1 CHECK (weight > 0),
    paused boolean NOT NULL DEFAULT false,
    concurrency_limit integer CHECK (concurrency_limit > 0),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE api_keys (
    id text PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants,
    name text NOT NULL,
    hash bytea NOT NULL,
    pepper_version smallint NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    revoked_at timestamptz
);

CREATE TABLE providers (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants,
    name text NOT NULL,
    vendor text NOT NULL,
    wire text NOT NULL,
    base_url text NOT NULL,
    model text NOT NULL,
    credential text NOT NULL,
    simulated boolean NOT NULL DEFAULT false,
    paused boolean NOT NULL DEFAULT false,
    concurrency_limit integer CHECK (concurrency_limit > 0),
    position integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (tenant_id, name)
);

CREATE TABLE tasks (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    status text NOT NULL CHECK (status IN ('scheduled', 'queued', 'running', 'canceling',
        'succeeded', 'failed', 'canceled', 'expired')),
    status_reason text CHECK (status_reason IN ('waiting_for_worker', 'rate_limited', 'circuit_open',
        'retry_backoff', 'queue_paused', 'concurrency_limit', 'waiting_for_budget',
        'waiting_for_children', 'waiting_for_provider_job')),
    priority text NOT NULL,
    queue text NOT NULL,
    provider_id uuid NOT NULL,
    candidate smallint NOT NULL DEFAULT 0,
    run_at timestamptz NOT NULL,
    rank timestamptz NOT NULL,
    ready boolean NOT NULL,
    nudged_at timestamptz,
    deadline timestamptz NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    candidate_failures integer NOT NULL DEFAULT 0,
    crashes integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL,
    max_crashes integer NOT NULL,
    lease_token uuid,
    lease_until timestamptz,
    boot_id uuid,
    event_seq integer NOT NULL DEFAULT 0,
    retry_of uuid,
    parent_id uuid,
    open_children integer NOT NULL DEFAULT 0,
    labels text[] NOT NULL DEFAULT '{}',
    webhook_url text,
    user_id text,
    session_id text,
    error jsonb,
    created_at timestamptz NOT NULL,
    queued_at timestamptz,
    started_at timestamptz,
    canceling_at timestamptz,
    finished_at timestamptz,
    CHECK ((status IN ('running', 'canceling')) = (lease_token IS NOT NULL)
        OR coalesce(status_reason = 'waiting_for_provider_job', false)),
    CHECK ((status IN ('succeeded', 'failed', 'canceled', 'expired')) = (finished_at IS NOT NULL))
) PARTITION BY RANGE (id);

CREATE INDEX tasks_lane ON tasks (queue, provider_id, tenant_id, rank, id)
    WHERE status = 'queued' AND ready AND nudged_at IS NULL;
CREATE INDEX tasks_nudged ON tasks (nudged_at) INCLUDE (queue, provider_id, tenant_id)
    WHERE status = 'queued' AND nudged_at IS NOT NULL;
CREATE INDEX tasks_waiting ON tasks (run_at)
    WHERE status IN ('queued', 'scheduled') AND NOT ready;
CREATE INDEX tasks_leases ON tasks (lease_until) INCLUDE (queue, provider_id, tenant_id, boot_id)
    WHERE status IN ('running', 'canceling');
CREATE INDEX tasks_deadline ON tasks (deadline)
    WHERE status IN ('scheduled', 'queued', 'running', 'canceling');
CREATE INDEX tasks_of_tenant ON tasks (tenant_id, id);
CREATE INDEX tasks_of_tenant_by_status ON tasks (tenant_id, status, id);

CREATE TABLE task_payloads (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    request jsonb NOT NULL,
    candidates jsonb NOT NULL
) PARTITION BY RANGE (id);

CREATE TABLE task_results (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    result jsonb NOT NULL
) PARTITION BY RANGE (id);

CREATE TABLE attempts (
    task_id uuid NOT NULL,
    attempt integer NOT NULL,
    boot_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    outcome text,
    PRIMARY KEY (task_id, attempt)
) PARTITION BY RANGE (task_id);

CREATE TABLE calls (
    id uuid PRIMARY KEY,
    task_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    attempt integer NOT NULL,
    purpose text NOT NULL,
    provider_id uuid NOT NULL,
    provider text NOT NULL,
    vendor text NOT NULL,
    model text NOT NULL,
    served_model text,
    served_tier text,
    status text NOT NULL CHECK (status IN ('started', 'answered', 'failed', 'unknown')),
    verdict text CHECK (verdict IN ('accepted', 'rejected', 'superseded')),
    hold_nanos bigint NOT NULL CHECK (hold_nanos >= 0),
    cost_nanos bigint CHECK (cost_nanos >= 0),
    estimated boolean NOT NULL DEFAULT false,
    price_source text,
    price_version text,
    usage jsonb,
    input_tokens integer,
    cached_tokens integer,
    output_tokens integer,
    reasoning_tokens integer,
    http_status smallint,
    request_id text,
    category text,
    message text,
    boot_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    timeout_at timestamptz NOT NULL,
    first_token_at timestamptz,
    ended_at timestamptz,
    CHECK ((status = 'started') = (cost_nanos IS NULL))
) PARTITION BY RANGE (id);

CREATE INDEX calls_of_task ON calls (task_id, id);
CREATE INDEX calls_open ON calls (timeout_at) WHERE status = 'started';

CREATE TABLE call_answers (
    call_id uuid PRIMARY KEY,
    answer text NOT NULL
) PARTITION BY RANGE (call_id);

CREATE TABLE ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    tenant_id uuid NOT NULL,
    task_id uuid NOT NULL,
    call_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('spend', 'correction')),
    amount_nanos bigint NOT NULL
);

CREATE UNIQUE INDEX ledger_one_spend_a_call ON ledger (call_id) WHERE kind = 'spend';
CREATE INDEX ledger_of_tenant ON ledger (tenant_id, at);

CREATE TABLE workers (
    boot_id uuid PRIMARY KEY,
    name text NOT NULL,
    hostname text NOT NULL,
    pid integer NOT NULL,
    queues text[] NOT NULL,
    slots integer NOT NULL,
    version text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    draining_at timestamptz,
    stopped_at timestamptz
);

CREATE INDEX workers_live ON workers (heartbeat_at) WHERE stopped_at IS NULL;

CREATE TABLE events (
    task_id uuid NOT NULL,
    seq integer NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    at timestamptz NOT NULL,
    data jsonb NOT NULL,
    PRIMARY KEY (task_id, seq)
) PARTITION BY RANGE (task_id);

CREATE TABLE deliveries (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    task_id uuid NOT NULL,
    event text NOT NULL,
    url text NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    http_status smallint,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    delivered_at timestamptz
);

CREATE INDEX deliveries_of_task ON deliveries (task_id);

CREATE TABLE chores (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    subject_id uuid NOT NULL,
    status text NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed')),
    run_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    nudged_at timestamptz,
    attempt integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL,
    lease_token uuid,
    lease_until timestamptz,
    message text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);

CREATE INDEX chores_due ON chores (run_at) WHERE status = 'queued';
CREATE INDEX chores_leases ON chores (lease_until) WHERE status = 'running';

CREATE TABLE idempotency_keys (
    tenant_id uuid NOT NULL,
    key text NOT NULL,
    task_id uuid NOT NULL,
    body_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, key)
);

CREATE INDEX idempotency_keys_of_task ON idempotency_keys (task_id);
