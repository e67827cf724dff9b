-- A draft is known by what its form bears, so that it can be saved again and again. Its files are kept with it.
ALTER TABLE draft ADD COLUMN writing TEXT NOT NULL DEFAULT '';

ALTER TABLE draft ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

UPDATE draft SET writing = lower(hex(randomblob(16))), version = 1;

CREATE UNIQUE INDEX draft_writing ON draft (account_id, writing) WHERE writing <> '';

CREATE TABLE draftfile (
    id INTEGER PRIMARY KEY, draft_id INTEGER NOT NULL REFERENCES draft (id),
    content_id TEXT NOT NULL REFERENCES content (id), sealed BLOB NOT NULL
);

CREATE INDEX draftfile_draft ON draftfile (draft_id);

-- What one account has sent under one Message-ID is there once.
CREATE INDEX message_sent ON message (account_id, header_id) WHERE account_id IS NOT NULL
