-- What a database needs that many gateways write to at the same time. This is PostgreSQL's own SQL.

-- Numbers are given out before the commit, so rows do not appear in their order. What may not be is a row among those
-- that were sealed; since transactions are serializable, none can slip in while its batch is made.
CREATE OR REPLACE FUNCTION audit_is_added_at_its_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id <= coalesce((SELECT last_row FROM audit_batch ORDER BY id DESC LIMIT 1), 0) THEN
        RAISE EXCEPTION USING
            MESSAGE = 'the audit only grows: no row is put before others', ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

-- Sealed content that is too large for its row, in the pieces in which it came. They are stored before the content's
-- row: `at` tells those that are still awaited from those whose mail was never taken in.
CREATE TABLE chunk (
    content_id text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    at bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (content_id, number)
);

-- What is sealed looks like chance: there is nothing to compress.
ALTER TABLE chunk ALTER COLUMN sealed SET STORAGE EXTERNAL;

CREATE INDEX chunk_at ON chunk USING brin (at);
