"""The settings: what a site decides."""
