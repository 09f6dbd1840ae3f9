CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    task_id uuid NOT NULL,
    attempt integer NOT NULL,
    provider_id uuid NOT NULL,
    prompt text NOT NULL,
    status text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'sending', 'sent', 'running', 'canceling',
        'answered', 'failed', 'canceled')),
    remote_id text,
    sends integer NOT NULL DEFAULT 0,
    polls integer NOT NULL DEFAULT 0,
    run_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    nudged_at timestamptz,
    lease_token uuid,
    lease_until timestamptz,
    sent_at timestamptz,
    canceling_at timestamptz,
    expires_at timestamptz NOT NULL,
    message text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    CHECK ((status IN ('answered', 'failed', 'canceled')) = (finished_at IS NOT NULL)),
    CHECK ((lease_token IS NULL) = (lease_until IS NULL))
);

CREATE INDEX jobs_due ON jobs (run_at) WHERE finished_at IS NULL;
CREATE INDEX jobs_of_task ON jobs (task_id);
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;
