-- What retention looks for, and what a row that is removed may still be named by.
CREATE INDEX copy_ended ON copy (ended_at) WHERE ended_at IS NOT NULL;

CREATE INDEX invitation_ended ON invitation (changed_at) WHERE state IN ('cancelled', 'lapsed');

CREATE INDEX delivery_of_copy ON delivery (copy_id) WHERE copy_id IS NOT NULL;

CREATE INDEX delivery_of_invitation ON delivery (invitation_id) WHERE invitation_id IS NOT NULL;

CREATE INDEX confirmation_invitation ON confirmation (invitation_id) WHERE invitation_id IS NOT NULL;

CREATE INDEX draft_copy ON draft (copy_id) WHERE copy_id IS NOT NULL
