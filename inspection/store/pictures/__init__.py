"""Pictures of recorded parts on the disk."""
