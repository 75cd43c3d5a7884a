"""The trainings page."""
