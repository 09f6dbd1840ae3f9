ALTER TABLE providers
    ADD COLUMN options jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN managed boolean NOT NULL DEFAULT true,
    ADD COLUMN trusted boolean NOT NULL DEFAULT true,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN deleted_at timestamptz,
    ADD COLUMN models text[],
    ADD COLUMN models_at timestamptz;

ALTER TABLE providers DROP CONSTRAINT providers_tenant_id_name_key;

CREATE UNIQUE INDEX providers_living ON providers (tenant_id, name) WHERE deleted_at IS NULL;

CREATE INDEX providers_removed ON providers (tenant_id) WHERE deleted_at IS NOT NULL;

CREATE TABLE credentials (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants,
    provider_id uuid UNIQUE REFERENCES providers ON DELETE CASCADE,
    provider text NOT NULL,
    host text NOT NULL,
    box bytea NOT NULL,
    data_key bytea NOT NULL,
    master_key text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_used_at timestamptz
);

CREATE INDEX credentials_of_checks ON credentials (created_at) WHERE provider_id IS NULL;

CREATE TABLE provider_checks (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants,
    provider_id uuid,
    credential_id uuid,
    target jsonb NOT NULL,
    result jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX provider_checks_by_time ON provider_checks (created_at);

CREATE TABLE provider_templates (
    tenant_id uuid NOT NULL REFERENCES tenants,
    name text NOT NULL,
    template jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, name)
);

CREATE INDEX calls_of_provider ON calls (provider_id, id);

CREATE INDEX chores_of_subject ON chores (subject_id);
