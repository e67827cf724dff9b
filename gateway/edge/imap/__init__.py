"""The bot's mailbox, read over IMAP."""
