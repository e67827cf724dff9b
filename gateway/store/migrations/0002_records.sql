-- What the gateway is kept, restored and accounted for by.

ALTER TABLE audit ADD COLUMN place TEXT NOT NULL DEFAULT '';  -- from where: a client's address, or "command line"

-- Rows of the audit that were sealed together, each batch chained to the one before.
CREATE TABLE audit_batch (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    first_row INTEGER NOT NULL,
    last_row INTEGER NOT NULL,
    marks BLOB NOT NULL,  -- its own mac, and its rows by their numbers and the first octets of their macs; once forgotten: when
    forgotten INTEGER NOT NULL,  -- whether retention has removed the rows since
    head BLOB NOT NULL  -- a keyed digest of the batch and of the head before it
);

-- At most two rows: each removed row of the audit is looked up here.
CREATE INDEX audit_batch_forgotten ON audit_batch (id, last_row) WHERE forgotten = 1;

-- The audit only grows. These hold off mistakes, not whoever may change the schema: for them there is the chain.
CREATE TRIGGER audit_is_not_altered BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit only grows: a row is never altered');
END;

CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit
WHEN OLD.id > coalesce((SELECT max(last_row) FROM audit_batch WHERE forgotten = 1), 0)
BEGIN
    SELECT RAISE(ABORT, 'the audit only grows: a row goes with its batch, when its time is over');
END;

CREATE TRIGGER audit_is_added_at_its_end AFTER INSERT ON audit
WHEN NEW.id < (SELECT max(id) FROM audit)
BEGIN
    SELECT RAISE(ABORT, 'the audit only grows: no row is put before others');
END;

-- A batch gets its head when it is made, and is forgotten once; nothing else of it changes.
CREATE TRIGGER audit_batch_is_not_altered BEFORE UPDATE ON audit_batch
WHEN NOT (
    NEW.id = OLD.id AND NEW.at = OLD.at AND NEW.first_row = OLD.first_row AND NEW.last_row = OLD.last_row
    AND (
        (OLD.head = x'' AND NEW.forgotten = 0)
        OR (OLD.forgotten = 0 AND NEW.forgotten = 1 AND NEW.head = OLD.head)
    )
)
BEGIN
    SELECT RAISE(ABORT, 'a batch of the audit is never altered');
END;

-- Of the batches that are forgotten, the last one stays: the chain goes on from its head.
CREATE TRIGGER audit_batch_is_not_removed BEFORE DELETE ON audit_batch
WHEN OLD.id >= coalesce((SELECT max(id) FROM audit_batch WHERE forgotten = 1), 0)
BEGIN
    SELECT RAISE(ABORT, 'a batch of the audit is never removed before its time is over');
END;

-- While it stands, nothing of a person, or of a practice, is destroyed.
CREATE TABLE legal_hold (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL,  -- empty where it is of a practice
    practice_id TEXT NOT NULL,  -- empty where it is of a person
    reason TEXT NOT NULL,
    follows INTEGER,  -- the hold that it belongs to, where the person has another address by now
    placed_by TEXT NOT NULL,
    placed_at INTEGER NOT NULL,
    released_by TEXT NOT NULL,
    released_at INTEGER
);

CREATE INDEX legal_hold_any ON legal_hold (id) WHERE released_at IS NULL;

CREATE INDEX legal_hold_standing ON legal_hold (address, practice_id) WHERE released_at IS NULL;

ALTER TABLE copy ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;  -- whether it has ended, but a legal hold keeps its key

CREATE INDEX copy_kept ON copy (id) WHERE kept = 1;

-- Somebody whom a practice's people list names: they write for it, and are colleagues there.
CREATE TABLE listed_person (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    practice_id TEXT NOT NULL,
    address TEXT NOT NULL,
    typed TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT,
    added_at INTEGER NOT NULL,
    UNIQUE (address, practice_id)
);

CREATE INDEX listed_person_practice ON listed_person (practice_id, address);

-- What the site's directory (LDAP) last said of an address.
CREATE TABLE directory_entry (
    id INTEGER PRIMARY KEY,
    address TEXT NOT NULL UNIQUE,
    practice_id TEXT NOT NULL,  -- where it says that they work; empty where it knows nobody at this address
    name TEXT NOT NULL,
    role TEXT,
    has_secure_mail INTEGER NOT NULL,  -- whether their own mail system is to be handed secure mail
    looked_at INTEGER NOT NULL
);

CREATE INDEX directory_entry_looked ON directory_entry (looked_at);

-- A line on its way to the ledger file: what was destroyed, and no restored backup may bring back.
CREATE TABLE ledger_entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL
);

-- An administrator who looks at the administrator's pages, or a link that lets one in once.
CREATE TABLE admin_session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,  -- who it was given to: a user of this machine, or an address
    digest BLOB NOT NULL,  -- SHA-256 of its cookie; empty while it is a link that nobody has used
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);

CREATE INDEX admin_session_digest ON admin_session (digest);

CREATE INDEX admin_session_expires ON admin_session (expires_at);

ALTER TABLE worker ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;  -- when it last showed that it lives

-- How often something was tried that is allowed a few times in a quarter of an hour, such as signing in to an account.
CREATE TABLE try_window (
    id INTEGER PRIMARY KEY,  -- a window that opens later has a higher one
    digest BLOB NOT NULL UNIQUE,  -- of who tries what, keyed: no address stands here
    since INTEGER NOT NULL,
    tries INTEGER NOT NULL
);

-- What an administrator keeps back is asked for again and again, and is never much.
CREATE INDEX delivery_paused ON delivery (id) WHERE state = 'paused';

-- One mail's way is followed by the name under which it was taken in. It has no index: each mail that passes would pay
-- for one, and who follows a mail has a moment.
ALTER TABLE message ADD COLUMN queue_id TEXT NOT NULL DEFAULT '';  -- as told with the 250; empty if written in the portal
ALTER TABLE delivery ADD COLUMN queue_id TEXT NOT NULL DEFAULT '';  -- of the mail that passes, or has brought it about
ALTER TABLE delivery ADD COLUMN ended_at INTEGER;  -- when it was sent, given up or dropped

-- What was handed back to its sender, and is kept until it can no longer come back.
CREATE INDEX delivery_returned ON delivery (ended_at)
    WHERE kind = 'return' AND state = 'sent' AND wrapped_key IS NOT NULL;
