-- What an invitee's mail system has told us since their link was sent.
ALTER TABLE invitation ADD COLUMN heard TEXT;

ALTER TABLE invitation ADD COLUMN heard_at INTEGER
