"""The code broken on purpose, to see whether the suite notices: `python -m tests.mutants`."""
