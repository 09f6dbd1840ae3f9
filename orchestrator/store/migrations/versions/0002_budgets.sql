CREATE TABLE budgets (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants,
    scope text NOT NULL CHECK (scope IN ('tenant', 'user', 'key', 'provider', 'session')),
    subject text CHECK ((scope = 'tenant') = (subject IS NULL)),
    period text NOT NULL CHECK (period IN ('day', 'month', 'total')),
    limit_nanos bigint NOT NULL CHECK (limit_nanos > 0),
    hard boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    deleted_at timestamptz
);

CREATE UNIQUE INDEX budgets_living ON budgets (tenant_id, scope, subject, period, hard) NULLS NOT DISTINCT
    WHERE deleted_at IS NULL;

CREATE TABLE budget_windows (
    budget_id uuid NOT NULL REFERENCES budgets,
    starts timestamptz NOT NULL,
    spent_nanos bigint NOT NULL DEFAULT 0,
    held_nanos bigint NOT NULL DEFAULT 0 CHECK (held_nanos >= 0),
    PRIMARY KEY (budget_id, starts)
);

CREATE TABLE budget_alerts (
    budget_id uuid NOT NULL REFERENCES budgets,
    starts timestamptz NOT NULL,
    threshold smallint NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (budget_id, starts, threshold)
);

CREATE TABLE call_charges (
    call_id uuid NOT NULL,
    budget_id uuid NOT NULL,
    starts timestamptz NOT NULL,
    PRIMARY KEY (call_id, budget_id)
) PARTITION BY RANGE (call_id);

CREATE INDEX call_charges_of_window ON call_charges (budget_id, starts);

ALTER TABLE tasks ADD COLUMN api_key_id text;
ALTER TABLE tasks ADD COLUMN waits_for_nanos bigint;

CREATE INDEX tasks_waiting_for_budget ON tasks (id)
    WHERE status = 'queued' AND status_reason = 'waiting_for_budget';
