ALTER TABLE providers ADD COLUMN account text GENERATED ALWAYS AS (md5(base_url || ' ' || credential)) STORED;

CREATE TABLE gates (
    kind text NOT NULL CHECK (kind IN ('circuit', 'cool_down', 'credential')),
    subject text NOT NULL,
    model text NOT NULL DEFAULT '',
    state text NOT NULL CHECK (state IN ('open', 'half_open', 'closed')),
    closed_until timestamptz NOT NULL,
    reason text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (kind, subject, model)
);

CREATE INDEX gates_closed ON gates (subject) WHERE state <> 'closed';

CREATE INDEX providers_of_account ON providers (account);

CREATE TABLE gate_transitions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL,
    subject text NOT NULL,
    model text NOT NULL,
    state text NOT NULL,
    reason text NOT NULL
);

CREATE INDEX gate_transitions_of_gate ON gate_transitions (kind, subject, model, id);
