-- The data model. Instants are microseconds since 1970 (UTC), days ISO 8601 text, enumerations their value, yes and no
-- 1 and 0. What a person wrote is sealed: a BLOB that opens under a data key, or under the site's own key. Addresses
-- stand twice: `address` is the form in which they are compared, `typed` the one that is used on the wire. A number that
-- stands in tokens is never given out again (AUTOINCREMENT). Of messages, copies and deliveries, which each mail makes,
-- the newest row always stays instead (flow/upkeep/retention.py).

-- Somebody who writes for a practice. An address that writes for two practices is two senders.
CREATE TABLE sender (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    practice_id TEXT NOT NULL,
    address TEXT NOT NULL,
    typed TEXT NOT NULL,
    name TEXT NOT NULL,
    receipt_id INTEGER,  -- the delivery of the latest receipt, which takes up what happens before it leaves
    receipts_in_a_run INTEGER NOT NULL,  -- how many receipts went to them one soon after the other
    UNIQUE (address, practice_id)
);

-- A registered person. An erased account keeps its row, empty, since what others hold points to it.
CREATE TABLE account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL UNIQUE,
    typed TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,  -- argon2id
    delivery TEXT NOT NULL,  -- where they read: portal or relay
    practice_name TEXT NOT NULL,  -- of a colleague from elsewhere, as they gave it
    practice_phone TEXT NOT NULL,
    practice_address TEXT NOT NULL,
    language TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    reset_generation INTEGER NOT NULL,  -- of the link to a new password
    reset_at INTEGER  -- when such a link was last asked for
);

-- What one practice awaits of one address. At most one is open for each (address, practice), and it is the latest.
CREATE TABLE invitation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    practice_id TEXT NOT NULL,
    address TEXT NOT NULL,
    typed TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    relationship TEXT,
    role TEXT,
    birthdate_digest BLOB,  -- keyed, bound to the invitation, and sealed
    wrong_birthdates INTEGER NOT NULL,  -- in this round
    wrong_birthdates_before INTEGER NOT NULL,  -- in earlier rounds
    generation INTEGER NOT NULL,  -- of the link: an older one is dead
    schedule_start TEXT NOT NULL,  -- day 0
    last_step_day INTEGER NOT NULL,  -- the day of the last step that was taken, 0 for none
    due_at INTEGER,  -- derived from day 0, the last step and the settings: when the next step is due; open ones have one
    details_by INTEGER REFERENCES sender (id),  -- whose details stand
    account_id INTEGER REFERENCES account (id),  -- who has accepted it
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    delivery_signal TEXT,  -- what the invitee's mail system has told us: away, delayed, returned
    delivery_signal_at INTEGER,
    asked_at INTEGER,  -- when its invitee last asked for a new link
    opened_at INTEGER,  -- when somebody with the link first answered what is asked there
    extended_to INTEGER NOT NULL  -- the day to which an outage has moved its end, 0 if none has
);

CREATE UNIQUE INDEX invitation_open ON invitation (address, practice_id)
    WHERE state IN ('awaiting_details', 'invited', 'locked', 'expired', 'undeliverable');

CREATE INDEX invitation_address ON invitation (address);

CREATE INDEX invitation_directory ON invitation (practice_id, relationship) WHERE relationship IS NOT NULL;

CREATE INDEX invitation_due ON invitation (due_at) WHERE due_at IS NOT NULL;

CREATE INDEX invitation_ended ON invitation (changed_at) WHERE state IN ('cancelled', 'lapsed');

-- A sender who waits for an invitation to be accepted.
CREATE TABLE waiting_sender (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    invitation_id INTEGER NOT NULL REFERENCES invitation (id),
    sender_id INTEGER NOT NULL REFERENCES sender (id),
    withdrawn INTEGER NOT NULL,  -- whether they have taken their mail back
    since INTEGER NOT NULL,
    UNIQUE (invitation_id, sender_id)
);

CREATE INDEX waiting_sender_sender ON waiting_sender (sender_id);

-- Sealed octets: in the row up to 64 KiB, else under this id in a file of the spool, in PostgreSQL in rows of its own.
CREATE TABLE content (
    id TEXT PRIMARY KEY,
    inline BLOB,
    size INTEGER NOT NULL  -- in octets, before sealing
);

CREATE INDEX content_file ON content (id) WHERE inline IS NULL;

-- One secure message, sealed once under a data key that each copy wraps anew. Its author is a sender or an account.
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    practice_id TEXT NOT NULL,
    sender_id INTEGER REFERENCES sender (id),
    account_id INTEGER REFERENCES account (id),
    reply_to_id INTEGER REFERENCES message (id),  -- the message that it answers
    header_id TEXT NOT NULL,  -- its Message-ID
    subject BLOB NOT NULL,  -- sealed under the data key
    content_id TEXT NOT NULL,
    size INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    has_files INTEGER NOT NULL,
    ends_at INTEGER,  -- when its author wants it gone from inboxes
    wants_receipt INTEGER NOT NULL,  -- whether its author asked to be told when it is opened
    hides_readers INTEGER NOT NULL  -- whether it went to many, who are not to see each other's addresses
);

CREATE INDEX message_sender ON message (sender_id);

CREATE INDEX message_account ON message (account_id);

CREATE INDEX message_content ON message (content_id);

CREATE INDEX message_header ON message (header_id);

CREATE INDEX message_reply ON message (reply_to_id) WHERE reply_to_id IS NOT NULL;

-- What one account has sent under one Message-ID is there once.
CREATE INDEX message_sent ON message (account_id, header_id) WHERE account_id IS NOT NULL;

-- One recipient's copy of a message. Destroying the wrapped key destroys the copy, and with the last one the content.
CREATE TABLE copy (
    id INTEGER PRIMARY KEY,
    message_id INTEGER NOT NULL REFERENCES message (id),
    address TEXT NOT NULL,
    typed TEXT NOT NULL,
    state TEXT NOT NULL,
    invitation_id INTEGER REFERENCES invitation (id),  -- for which it is held
    account_id INTEGER REFERENCES account (id),  -- in whose inbox it is
    wrapped_key BLOB,  -- bound to the message, its author, and who holds the copy
    read_at INTEGER,
    expires_at INTEGER,  -- until when it is kept in an inbox
    ended_at INTEGER,  -- when it left it
    reason BLOB  -- why, sealed, for its reader
);

CREATE INDEX copy_message ON copy (message_id);

CREATE INDEX copy_invitation ON copy (invitation_id) WHERE invitation_id IS NOT NULL;

CREATE INDEX copy_account ON copy (account_id) WHERE account_id IS NOT NULL;

CREATE INDEX copy_expires ON copy (expires_at) WHERE expires_at IS NOT NULL;

CREATE INDEX copy_ended ON copy (ended_at) WHERE ended_at IS NOT NULL;

-- One outgoing mail to one recipient: a row is claimed, sent and recorded. Once it is finished, nothing is left of what
-- it said.
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    notice TEXT,  -- which notice of ours, if it is one
    hop TEXT NOT NULL,  -- empty for the next hop, else the domain of a relay
    mail_from TEXT NOT NULL,
    recipient TEXT NOT NULL,
    content_id TEXT NOT NULL,  -- of mail that passes through
    wrapped_key BLOB,  -- the key to that content
    facts BLOB,  -- what a notice is written from, sealed
    invitation_id INTEGER REFERENCES invitation (id),
    copy_id INTEGER REFERENCES copy (id),
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    lease_until INTEGER,  -- until when a worker has it in hand
    claimed_by TEXT NOT NULL,  -- which worker
    last_reply TEXT NOT NULL,  -- what the hop said last
    sender_id INTEGER REFERENCES sender (id)  -- to whom it is said
);

CREATE INDEX delivery_due ON delivery (due_at, id) WHERE state = 'queued';

CREATE INDEX delivery_leased ON delivery (id) WHERE state = 'queued' AND lease_until IS NOT NULL;

CREATE INDEX delivery_aside ON delivery (id) WHERE state = 'quarantined';

CREATE INDEX delivery_copy ON delivery (copy_id) WHERE state = 'held';

CREATE INDEX delivery_of_copy ON delivery (copy_id) WHERE copy_id IS NOT NULL;

CREATE INDEX delivery_of_invitation ON delivery (invitation_id, state) WHERE invitation_id IS NOT NULL;

CREATE INDEX delivery_content ON delivery (content_id) WHERE wrapped_key IS NOT NULL;

-- Commands that wait for a sender's YES.
CREATE TABLE confirmation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sender_id INTEGER NOT NULL REFERENCES sender (id),
    invitation_id INTEGER REFERENCES invitation (id),  -- about whom it is asked, if it is one person
    lines BLOB NOT NULL,  -- sealed
    done_at INTEGER,
    created_at INTEGER NOT NULL
);

CREATE INDEX confirmation_sender ON confirmation (sender_id);

CREATE INDEX confirmation_invitation ON confirmation (invitation_id) WHERE invitation_id IS NOT NULL;

-- What a sender is asked about a mail before it goes anywhere: was it meant to be secure, are all its readers meant.
CREATE TABLE question (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sender_id INTEGER NOT NULL REFERENCES sender (id),
    message_id INTEGER NOT NULL REFERENCES message (id),
    sign TEXT NOT NULL,  -- what showed how the mail may be meant
    details BLOB NOT NULL,  -- what the mail says of its recipient and how it names people, sealed
    answer TEXT,
    schedule_start TEXT NOT NULL,  -- this and the three below as in an invitation
    last_step_day INTEGER NOT NULL,
    due_at INTEGER,
    extended_to INTEGER NOT NULL,
    created_at INTEGER NOT NULL
);

CREATE INDEX question_message ON question (message_id);

CREATE INDEX question_due ON question (due_at) WHERE due_at IS NOT NULL;

CREATE INDEX question_sender ON question (sender_id) WHERE answer IS NULL;

CREATE INDEX question_asked ON question (sender_id, schedule_start);

-- What would have become of a mail while everything passes (`secure_mail.mode = "observe"`).
CREATE TABLE observation (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    recipient TEXT NOT NULL,
    action TEXT NOT NULL,
    reason TEXT NOT NULL
);

CREATE INDEX observation_at ON observation (at);

-- A sender lets an address of the same practice act for them.
CREATE TABLE delegation (
    id INTEGER PRIMARY KEY,
    sender_id INTEGER NOT NULL REFERENCES sender (id),
    address TEXT NOT NULL,
    typed TEXT NOT NULL,
    since INTEGER NOT NULL,
    UNIQUE (sender_id, address)
);

CREATE INDEX delegation_address ON delegation (address);

-- A message that a person has begun to write in the portal.
CREATE TABLE draft (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    copy_id INTEGER REFERENCES copy (id),  -- the message that it answers
    writing TEXT NOT NULL,  -- what its form is known by
    version INTEGER NOT NULL,  -- how often it was saved
    sealed BLOB NOT NULL,
    changed_at INTEGER NOT NULL
);

CREATE INDEX draft_account ON draft (account_id);

CREATE INDEX draft_copy ON draft (copy_id) WHERE copy_id IS NOT NULL;

CREATE UNIQUE INDEX draft_writing ON draft (account_id, writing) WHERE writing <> '';

-- A file that is kept with a draft: its name, type and key are sealed.
CREATE TABLE draft_file (
    id INTEGER PRIMARY KEY,
    draft_id INTEGER NOT NULL REFERENCES draft (id),
    content_id TEXT NOT NULL REFERENCES content (id),
    sealed BLOB NOT NULL
);

CREATE INDEX draft_file_draft ON draft_file (draft_id);

CREATE INDEX draft_file_content ON draft_file (content_id);

-- An account's own search index: the key of its entries, wrapped for the account.
CREATE TABLE search_index (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL UNIQUE REFERENCES account (id),
    wrapped_key BLOB NOT NULL
);

-- A message that an account has received or written: its words, sealed under the index's key.
CREATE TABLE search_entry (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    message_id INTEGER NOT NULL REFERENCES message (id),
    sealed BLOB,  -- empty until the message was read for the index
    whole INTEGER NOT NULL  -- whether all of its text is in it
);

CREATE UNIQUE INDEX search_entry_message ON search_entry (message_id, account_id);

CREATE INDEX search_entry_account ON search_entry (account_id, message_id);

CREATE INDEX search_entry_unread ON search_entry (id) WHERE sealed IS NULL;

-- A signed-in browser.
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,  -- the hash of its cookie
    account_id INTEGER NOT NULL REFERENCES account (id),
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    agent TEXT NOT NULL  -- what the browser calls itself
);

CREATE INDEX session_expires ON session (expires_at);

CREATE INDEX session_account ON session (account_id);

-- A passkey (WebAuthn), with which a person signs in or takes the second step.
CREATE TABLE passkey (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    credential BLOB NOT NULL UNIQUE,
    public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER
);

CREATE INDEX passkey_account ON passkey (account_id);

-- An account's one-time codes (RFC 6238).
CREATE TABLE codes (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL UNIQUE REFERENCES account (id),
    secret BLOB NOT NULL,  -- sealed
    last_step INTEGER NOT NULL,  -- the last time step whose code was used
    created_at INTEGER NOT NULL
);

-- The digest of a code that is good once.
CREATE TABLE recovery_code (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    digest BLOB NOT NULL
);

CREATE INDEX recovery_code_account ON recovery_code (account_id);

-- A person's wish to have their account at another address.
CREATE TABLE address_change (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL REFERENCES account (id),
    old_address TEXT NOT NULL,
    old_typed TEXT NOT NULL,
    new_address TEXT NOT NULL,
    new_typed TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    done_at INTEGER,
    stopped_at INTEGER  -- when it was called back from the old address
);

CREATE INDEX address_change_account ON address_change (account_id);

-- Who did what to which, when.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    mac BLOB NOT NULL  -- a keyed digest of the row: an altered one shows
);

-- The fingerprint of something that was done: a mail that was taken in, the nth answer of a day, a try.
CREATE TABLE fingerprint (
    id INTEGER PRIMARY KEY,
    fingerprint BLOB NOT NULL UNIQUE,
    at INTEGER NOT NULL
);

CREATE INDEX fingerprint_at ON fingerprint (at);

-- A process that serves.
CREATE TABLE worker (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    beats INTEGER NOT NULL  -- how often it has shown that it lives
);

-- A fact about the database itself, such as who holds the lease on timed work.
CREATE TABLE meta (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    value BLOB NOT NULL
);
