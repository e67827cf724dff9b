"""The outside world: SMTP in and out, IMAP, the clock, the ticker, templates."""
