"""What keeps a gateway well: retention, outages, what an administrator has to know."""
