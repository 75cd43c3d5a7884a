"""The manual, served by the station itself."""
