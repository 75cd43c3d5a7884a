"""The tests of what a station offers its page use the station of the station tests."""

from tests.station.conftest import build

__all__ = ["build"]
