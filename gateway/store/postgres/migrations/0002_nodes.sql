-- What a database needs that many gateways write to at the same time. This is PostgreSQL's own SQL.

-- Numbers are given out before the commit, so rows do not appear in their order, and work that is undone leaves its number
-- out. What may not be is a row among those that were sealed. Whoever adds a row has looked here at the last batch, and
-- whoever seals has looked at the rows up to its end: transactions are serializable, so that of two who have not seen each
-- other one is undone, and the row gets another number when its work is done again.
CREATE OR REPLACE FUNCTION audit_is_added_at_its_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id <= coalesce((SELECT last_row FROM audit_batch ORDER BY id DESC LIMIT 1), 0) THEN
        RAISE EXCEPTION USING
            MESSAGE = 'the audit only grows: no row is put before others', ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

-- Rows of some days are found among a hundred million; rows come in nearly the order of their time, so that this is small.
CREATE INDEX audit_at ON audit USING brin (at) WITH (autosummarize = on);

-- Batches are numbered without a gap, also where sealing was undone: a missing one shows. The newest is never removed.
CREATE FUNCTION next_audit_batch() RETURNS bigint LANGUAGE sql
RETURN (SELECT coalesce(max(id), 0) + 1 FROM audit_batch);

ALTER TABLE audit_batch ALTER COLUMN id DROP IDENTITY, ALTER COLUMN id SET DEFAULT next_audit_batch();

-- Sealed content that is too large for its row, in the pieces in which it came. They are stored before the content's
-- row: `at`, in microseconds of this server's time, tells those that are still awaited from those whose mail was never
-- taken in. A single piece 0 without octets says that the content lies in the object store.
CREATE TABLE chunk (
    content_id text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    at bigint NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
    sealed bytea,
    PRIMARY KEY (content_id, number)
);

-- What is sealed looks like chance: there is nothing to compress.
ALTER TABLE chunk ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- A row names nothing that is not stored: pieces are committed before it, but a server that has taken over may not have
-- them. Who removes what no row names waits for this transaction (FOR KEY SHARE), and looks then. 262144 is CHUNK in
-- gateway/store/content.py.
CREATE FUNCTION content_is_stored() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM chunk WHERE content_id = NEW.id AND number = 0 FOR KEY SHARE;
    PERFORM FROM chunk WHERE content_id = NEW.id
        HAVING count(*) = (NEW.size + 262143) / 262144 OR bool_or(sealed IS NULL);
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            MESSAGE = 'the pieces of this content are not stored', ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER content_is_stored BEFORE INSERT ON content
    FOR EACH ROW WHEN (NEW.inline IS NULL) EXECUTE FUNCTION content_is_stored();
