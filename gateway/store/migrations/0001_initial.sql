CREATE TABLE sender (
    id INTEGER PRIMARY KEY, practice_id TEXT NOT NULL, address TEXT NOT NULL, typed TEXT NOT NULL, name TEXT NOT NULL,
    UNIQUE (address, practice_id)
);

CREATE TABLE account (
    id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE, typed TEXT NOT NULL, name TEXT NOT NULL,
    password_hash TEXT NOT NULL, delivery TEXT NOT NULL, practice_name TEXT NOT NULL, practice_phone TEXT NOT NULL,
    practice_address TEXT NOT NULL, language TEXT NOT NULL, created_at INTEGER NOT NULL
);

CREATE TABLE invitation (
    id INTEGER PRIMARY KEY, practice_id TEXT NOT NULL, address TEXT NOT NULL, typed TEXT NOT NULL, name TEXT NOT NULL,
    state TEXT NOT NULL, relationship TEXT, role TEXT, birthdate_digest BLOB, strikes INTEGER NOT NULL,
    strikes_before INTEGER NOT NULL, generation INTEGER NOT NULL, day0 TEXT NOT NULL, step INTEGER NOT NULL,
    due_at INTEGER, details_by INTEGER REFERENCES sender (id), account_id INTEGER REFERENCES account (id),
    created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL
);

-- One open invitation for each (address, practice).
CREATE UNIQUE INDEX invitation_open ON invitation (address, practice_id)
    WHERE state IN ('awaiting_details', 'invited', 'locked', 'expired', 'undeliverable');

CREATE INDEX invitation_practice ON invitation (practice_id, address);

CREATE INDEX invitation_due ON invitation (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE waiter (
    id INTEGER PRIMARY KEY, invitation_id INTEGER NOT NULL REFERENCES invitation (id),
    sender_id INTEGER NOT NULL REFERENCES sender (id), withdrawn INTEGER NOT NULL, since INTEGER NOT NULL,
    UNIQUE (invitation_id, sender_id)
);

CREATE INDEX waiter_sender ON waiter (sender_id);

CREATE TABLE content (id TEXT PRIMARY KEY, inline BLOB, size INTEGER NOT NULL);

CREATE TABLE message (
    id INTEGER PRIMARY KEY, practice_id TEXT NOT NULL, sender_id INTEGER REFERENCES sender (id),
    account_id INTEGER REFERENCES account (id), reply_to_id INTEGER REFERENCES message (id), header_id TEXT NOT NULL,
    subject BLOB NOT NULL, content_id TEXT NOT NULL, size INTEGER NOT NULL, received_at INTEGER NOT NULL
);

CREATE INDEX message_sender ON message (sender_id);

CREATE INDEX message_account ON message (account_id);

CREATE TABLE copy (
    id INTEGER PRIMARY KEY, message_id INTEGER NOT NULL REFERENCES message (id), address TEXT NOT NULL,
    typed TEXT NOT NULL, state TEXT NOT NULL, invitation_id INTEGER REFERENCES invitation (id),
    account_id INTEGER REFERENCES account (id), wrapped_key BLOB, read_at INTEGER
);

CREATE INDEX copy_message ON copy (message_id);

CREATE INDEX copy_invitation ON copy (invitation_id) WHERE invitation_id IS NOT NULL;

CREATE INDEX copy_account ON copy (account_id) WHERE account_id IS NOT NULL;

CREATE TABLE delivery (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, notice TEXT, hop TEXT NOT NULL, mail_from TEXT NOT NULL,
    recipient TEXT NOT NULL, content_id TEXT NOT NULL, wrapped_key BLOB, facts BLOB,
    invitation_id INTEGER REFERENCES invitation (id), copy_id INTEGER REFERENCES copy (id), state TEXT NOT NULL,
    attempts INTEGER NOT NULL, created_at INTEGER NOT NULL, due_at INTEGER NOT NULL, lease_until INTEGER,
    last_reply TEXT NOT NULL
);

CREATE INDEX delivery_due ON delivery (due_at, id) WHERE state = 'queued';

CREATE INDEX delivery_content ON delivery (content_id) WHERE content_id != '';

CREATE TABLE confirmation (
    id INTEGER PRIMARY KEY, sender_id INTEGER NOT NULL REFERENCES sender (id),
    invitation_id INTEGER REFERENCES invitation (id), lines BLOB NOT NULL, done_at INTEGER, created_at INTEGER NOT NULL
);

CREATE TABLE session (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, account_id INTEGER NOT NULL REFERENCES account (id),
    created_at INTEGER NOT NULL, seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
);

CREATE INDEX session_expires ON session (expires_at);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,
    detail TEXT NOT NULL, mac BLOB NOT NULL
);

CREATE TABLE seen (id INTEGER PRIMARY KEY, fingerprint BLOB NOT NULL UNIQUE, at INTEGER NOT NULL);

CREATE INDEX seen_at ON seen (at);

CREATE TABLE meta (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, value BLOB NOT NULL)
