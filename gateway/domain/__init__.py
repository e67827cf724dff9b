"""What is true of invitations whatever the machinery: pure values and functions, no I/O, no clock, no randomness."""
