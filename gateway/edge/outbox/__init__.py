"""Mail on its way to the hops."""
