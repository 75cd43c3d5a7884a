"""The command line."""

from inspection.cli.app import app, main

__all__ = ["app", "main"]
