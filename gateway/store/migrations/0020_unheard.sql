-- To which sender a notice speaks: who hears in their place when it comes back.
ALTER TABLE delivery ADD COLUMN sender_id INTEGER REFERENCES sender (id);

CREATE INDEX question_asked ON question (sender_id, day0)
