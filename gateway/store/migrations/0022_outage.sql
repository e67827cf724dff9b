-- The day to which an outage has moved an end, 0 if none has.
ALTER TABLE invitation ADD COLUMN moved_to INTEGER NOT NULL DEFAULT 0;

ALTER TABLE question ADD COLUMN moved_to INTEGER NOT NULL DEFAULT 0
