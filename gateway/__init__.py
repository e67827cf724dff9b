"""Secure-mail invitation gateway: see README.md beside this file for the way a mail takes."""

__version__ = "0.1.0"
