"""What an administrator does: people, practices, legal holds, erasure."""
