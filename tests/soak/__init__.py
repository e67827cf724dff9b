"""A month of a gateway's life in ten minutes: what was promised, and what came."""
