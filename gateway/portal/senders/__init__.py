"""What senders see: whom they wait for, and what can be done about it."""
