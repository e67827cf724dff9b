-- A person's wish to have their account at another address: when it was asked for, made, and called back.
CREATE TABLE addresschange (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES account (id), old_address TEXT NOT NULL,
    old_typed TEXT NOT NULL, new_address TEXT NOT NULL, new_typed TEXT NOT NULL, asked_at INTEGER NOT NULL,
    done_at INTEGER, stopped_at INTEGER
);

CREATE INDEX addresschange_account ON addresschange (account_id)
