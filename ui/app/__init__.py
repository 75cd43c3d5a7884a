"""From a station file to an application."""
