"""The station page: cameras, outputs and triggers."""
