-- When somebody with a dead link last asked for a new one.
ALTER TABLE invitation ADD COLUMN asked_at INTEGER
