-- Whether a message seems to bring files, for the inbox to say so without opening it.
ALTER TABLE message ADD COLUMN has_files INTEGER NOT NULL DEFAULT 0
