-- Who may act for a sender: an address of the same practice, which need not have written yet.
CREATE TABLE delegation (
    id INTEGER PRIMARY KEY, sender_id INTEGER NOT NULL REFERENCES sender (id), address TEXT NOT NULL,
    typed TEXT NOT NULL, since INTEGER NOT NULL, UNIQUE (sender_id, address)
);

CREATE INDEX delegation_address ON delegation (address)
