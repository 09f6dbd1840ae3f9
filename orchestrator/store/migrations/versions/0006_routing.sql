ALTER TABLE tenants ADD COLUMN routing jsonb;

ALTER TABLE task_payloads ADD COLUMN explanation jsonb;

CREATE INDEX calls_recent ON calls (provider_id, model, id) WHERE status IN ('answered', 'failed');
