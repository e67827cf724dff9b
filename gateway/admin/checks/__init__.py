"""What `gateway check` looks at: one small module for each subject, and `table.py`, which lists all that they ask."""
