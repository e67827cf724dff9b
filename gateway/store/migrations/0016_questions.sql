-- What senders are asked about a mail of theirs before it goes anywhere.
CREATE TABLE question (
    id INTEGER PRIMARY KEY, sender_id INTEGER NOT NULL REFERENCES sender (id),
    message_id INTEGER NOT NULL REFERENCES message (id), sign TEXT NOT NULL, details BLOB NOT NULL, answer TEXT,
    day0 TEXT NOT NULL, step INTEGER NOT NULL, due_at INTEGER, created_at INTEGER NOT NULL
);

CREATE INDEX question_message ON question (message_id);

CREATE INDEX question_due ON question (due_at) WHERE due_at IS NOT NULL;

CREATE INDEX question_sender ON question (sender_id) WHERE answer IS NULL;

-- Mail that waits for its sender's word, beside the copy that it would be if it is secure.
CREATE INDEX delivery_copy ON delivery (copy_id) WHERE state = 'held';

-- Mail that could not be prepared for sending.
CREATE INDEX delivery_aside ON delivery (id) WHERE state = 'quarantined';

-- Mail names what it answers by its Message-ID.
CREATE INDEX message_header ON message (header_id);

-- What would have become of mail, at a site that only observes.
CREATE TABLE observation (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, author TEXT NOT NULL, recipient TEXT NOT NULL, action TEXT NOT NULL,
    reason TEXT NOT NULL
);

CREATE INDEX observation_at ON observation (at);

ALTER TABLE message ADD COLUMN ends_at INTEGER;

ALTER TABLE message ADD COLUMN wants_receipt INTEGER NOT NULL DEFAULT 0;

ALTER TABLE message ADD COLUMN hides_readers INTEGER NOT NULL DEFAULT 0;

ALTER TABLE sender ADD COLUMN receipt_id INTEGER;

ALTER TABLE sender ADD COLUMN receipts_in_a_run INTEGER NOT NULL DEFAULT 0
