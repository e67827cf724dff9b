-- Passkeys (WebAuthn), one-time codes (RFC 6238), and codes for whoever has lost both.
CREATE TABLE passkey (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES account (id), credential BLOB NOT NULL UNIQUE,
    public_key BLOB NOT NULL, sign_count INTEGER NOT NULL, name TEXT NOT NULL, created_at INTEGER NOT NULL,
    used_at INTEGER
);

CREATE INDEX passkey_account ON passkey (account_id);

CREATE TABLE codes (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL UNIQUE REFERENCES account (id), secret BLOB NOT NULL,
    last_step INTEGER NOT NULL, created_at INTEGER NOT NULL
);

CREATE TABLE recoverycode (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES account (id), digest BLOB NOT NULL
);

CREATE INDEX recoverycode_account ON recoverycode (account_id)
