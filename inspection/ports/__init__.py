"""Ports others connect to: how many may, how long they may be silent, and what is done with errors."""
