"""The life of an invitation: its moves, its calendar, a new link."""
