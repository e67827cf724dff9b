"""The one-command demo: everything embedded, on loopback, in a temporary directory, with sample people."""
