"""What every page is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inspection.jobs import Jobs
from inspection.station.station_file import StationFile
from inspection.store import Store
from ui.live.hub import Hub
from ui.live.station_client import StationClient
from ui.security.users import Users
from ui.words import Words

if TYPE_CHECKING:
    from ui.security.sessions import Sessions


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Context:
    """The station file, the record (read only), the station at work, the users and the words."""

    station_path: Path
    settings: StationFile
    store: Store
    runtime: StationClient
    hub: Hub
    users: Users
    sessions: Sessions
    words: Words

    @property
    def folder(self) -> Path:
        """Where users, jobs and kept recipes are."""
        return self.settings.page_folder

    @property
    def jobs(self) -> Jobs:
        """The long work of the station, each in a process of its own."""
        return Jobs(self.folder / "jobs")
