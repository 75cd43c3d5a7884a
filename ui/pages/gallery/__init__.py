"""The gallery of recorded parts."""
