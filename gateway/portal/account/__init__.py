"""A registered person's own affairs: signing in and out, and what belongs to their account."""
