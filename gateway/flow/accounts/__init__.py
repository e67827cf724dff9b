"""Accounts: registration, one's own settings, the second step, another address."""
