-- When somebody with the link first began to register.
ALTER TABLE invitation ADD COLUMN opened_at INTEGER
