CREATE INDEX tasks_of_session ON tasks (tenant_id, session_id, id) WHERE session_id IS NOT NULL;
