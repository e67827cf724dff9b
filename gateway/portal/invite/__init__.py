"""From an invitation's link to an account: who they are, a password, a last look."""
