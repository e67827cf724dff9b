-- Who has claimed a mail, and which workers show that they live.
ALTER TABLE delivery ADD COLUMN claimed_by TEXT NOT NULL DEFAULT '';

CREATE TABLE worker (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, beats INTEGER NOT NULL)
