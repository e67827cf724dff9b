"""What a registered person reads, writes, searches and begins in the portal."""
