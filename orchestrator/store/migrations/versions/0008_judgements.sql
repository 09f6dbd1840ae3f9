CREATE TABLE feedback (
    task_id uuid NOT NULL,
    caller text NOT NULL,
    tenant_id uuid NOT NULL REFERENCES tenants,
    provider_id uuid,
    provider text,
    model text,
    rating smallint CHECK (rating BETWEEN 1 AND 5),
    accepted boolean,
    comment text CHECK (length(comment) <= 2000),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (task_id, caller),
    CHECK (num_nonnulls(rating, accepted, comment) > 0)
);

CREATE INDEX feedback_recent ON feedback (provider_id, model, task_id)
    WHERE provider_id IS NOT NULL AND (rating IS NOT NULL OR accepted IS NOT NULL);

CREATE TABLE provider_health (
    provider_id uuid PRIMARY KEY REFERENCES providers ON DELETE CASCADE,
    checked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ok boolean NOT NULL,
    latency_ms double precision,
    message text NOT NULL,
    failures integer NOT NULL CHECK (failures >= 0)
);

CREATE UNIQUE INDEX chores_one_check ON chores (subject_id)
    WHERE kind = 'health_check' AND status IN ('queued', 'running');

ALTER TABLE gates DROP CONSTRAINT gates_kind_check,
    ADD CONSTRAINT gates_kind_check CHECK (kind IN ('circuit', 'cool_down', 'credential', 'health'));

CREATE TABLE experiments (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants,
    name text NOT NULL,
    status text NOT NULL CHECK (status IN ('running', 'paused', 'ended')),
    kinds text[],
    label text,
    metric text NOT NULL CHECK (metric IN ('success_rate', 'cost', 'latency', 'accepted')),
    arms jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    UNIQUE (tenant_id, name),
    CHECK ((status = 'ended') = (ended_at IS NOT NULL))
);

CREATE INDEX payloads_of_experiments ON task_payloads ((explanation -> 'experiment' ->> 'id'), id)
    WHERE explanation -> 'experiment' ->> 'id' IS NOT NULL;
