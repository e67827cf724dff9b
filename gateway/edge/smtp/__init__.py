"""The SMTP listener (RFC 5321)."""
