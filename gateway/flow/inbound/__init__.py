"""A mail comes in: what it is, and what becomes of it for each recipient."""
