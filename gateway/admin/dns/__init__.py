"""What a site publishes in DNS, and whether it stands there."""
