-- Content is dropped with the last key to it: these find who still holds one.
CREATE INDEX message_content ON message (content_id);

DROP INDEX delivery_content;

CREATE INDEX delivery_content ON delivery (content_id) WHERE wrapped_key IS NOT NULL;

-- What a run that ended has left claimed.
CREATE INDEX delivery_leased ON delivery (id) WHERE state = 'queued' AND lease_until IS NOT NULL;

-- Contents that have a file in the spool.
CREATE INDEX content_file ON content (id) WHERE inline IS NULL;

-- One person with all practices, and a practice's directory.
CREATE INDEX invitation_address ON invitation (address);

DROP INDEX invitation_practice;

CREATE INDEX invitation_directory ON invitation (practice_id, relationship) WHERE relationship IS NOT NULL;

CREATE INDEX confirmation_sender ON confirmation (sender_id);

CREATE INDEX message_reply ON message (reply_to_id) WHERE reply_to_id IS NOT NULL
