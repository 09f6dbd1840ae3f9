ALTER TABLE tasks ADD COLUMN quality smallint;
