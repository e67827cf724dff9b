"""Tests against real servers and a real browser, and what gets and runs them."""
