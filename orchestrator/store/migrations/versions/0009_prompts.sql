CREATE TABLE tenant_prompts (
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    template text NOT NULL,
    version text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, name)
);
