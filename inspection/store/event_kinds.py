"""Kinds of events in the record that the program itself reads."""

from __future__ import annotations

REMOVED = "picture_removed"
WHO = "retention"
PROTECTED_BY = ("label", "study", "release")
"""Kinds of events whose part keeps its picture."""
