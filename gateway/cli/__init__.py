"""The command line: parse, call, print. `entry.py` comes first, `app.py` has the commands."""
