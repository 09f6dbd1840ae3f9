ALTER TABLE calls ADD COLUMN final_at timestamptz;
ALTER TABLE calls ADD COLUMN cache_write_tokens integer;

CREATE INDEX calls_unknown ON calls (ended_at) WHERE status = 'unknown' AND final_at IS NULL;

CREATE INDEX ledger_of_call ON ledger (call_id);
CREATE INDEX ledger_by_time ON ledger (at);

CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: write a correction' USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER ledger_is_never_emptied BEFORE TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();

CREATE TABLE reckonings (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    at timestamptz NOT NULL,
    findings jsonb NOT NULL
);
