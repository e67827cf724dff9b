-- Until when a copy is kept in an inbox, when it left, and why its sender took it back, sealed.
ALTER TABLE copy ADD COLUMN expires_at INTEGER;

ALTER TABLE copy ADD COLUMN ended_at INTEGER;

ALTER TABLE copy ADD COLUMN reason BLOB;

CREATE INDEX copy_expires ON copy (expires_at) WHERE expires_at IS NOT NULL
