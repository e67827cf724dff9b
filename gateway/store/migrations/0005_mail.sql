-- Messages that a person has begun to write, sealed.
CREATE TABLE draft (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES account (id),
    copy_id INTEGER REFERENCES copy (id), sealed BLOB NOT NULL, changed_at INTEGER NOT NULL
);

CREATE INDEX draft_account ON draft (account_id);

-- A conversation: the answers to a message.
CREATE INDEX message_reply_to ON message (reply_to_id) WHERE reply_to_id IS NOT NULL
