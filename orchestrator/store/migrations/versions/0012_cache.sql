ALTER TABLE tasks ADD COLUMN served_tokens bigint;
