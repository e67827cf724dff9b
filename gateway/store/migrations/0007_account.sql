-- The link that sets a new password: `reset_at` says since when it may be used, its generation dies with use.
ALTER TABLE account ADD COLUMN reset_generation INTEGER NOT NULL DEFAULT 1;

ALTER TABLE account ADD COLUMN reset_at INTEGER;

-- By which browser somebody signed in, for whoever looks at their own sessions.
ALTER TABLE session ADD COLUMN agent TEXT NOT NULL DEFAULT '';

CREATE INDEX session_account ON session (account_id)
