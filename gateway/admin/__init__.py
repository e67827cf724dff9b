"""What an administrator does with a gateway, whether it serves or not; `cli/` asks for it and prints."""
