ALTER TABLE calls ADD COLUMN entry text;

CREATE TABLE similar_questions (
    tenant_id uuid NOT NULL,
    scope text NOT NULL,
    entry text NOT NULL,
    embedding real[] NOT NULL,
    ends_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, scope, entry)
);
CREATE INDEX similar_questions_ends_at ON similar_questions (ends_at);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
        CREATE EXTENSION IF NOT EXISTS vector;
    END IF;
EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_file THEN
    RAISE NOTICE 'pgvector is available, and this role may not create it: %', SQLERRM;
END
$$;
