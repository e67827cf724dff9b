"""What senders say to the gateway, by mail or on their page, and what it does."""
