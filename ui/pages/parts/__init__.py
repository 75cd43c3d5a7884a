"""The parts page."""
