"""Reports that are there to be opened: those made on the page, and those the station wrote by the clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from inspection.reports import SUFFIXES
from inspection.store.event_kinds import ActionKind
from ui.core.context import Context

FOLDER = "reports"
"""Folder, in the page's own, of the reports made here."""
MOST_MADE, MOST_SHOWN = 50, 100
LOOKED_BACK = 500
TYPES = {".html": "text/html", ".pdf": "application/pdf"}


@dataclass(frozen=True, slots=True)
class KeptReport:
    """A report's file, and whether the station wrote it by the clock."""

    path: Path
    scheduled: bool
    at: datetime
    size_bytes: int

    @property
    def name(self) -> str:
        """Its file's name; it names the report."""
        return self.path.name

    @property
    def media_type(self) -> str:
        """What a browser is told it is."""
        return TYPES[self.path.suffix.lower()]


def kept(context: Context) -> list[KeptReport]:
    """The newest reports first."""
    found = _of(context.folder / FOLDER, scheduled=False)
    if context.settings.report is not None:
        found += _of(context.settings.report.folder, scheduled=True)
    return sorted(found, key=lambda each: each.at, reverse=True)[:MOST_SHOWN]


def find(context: Context, name: str) -> KeptReport | None:
    """The report of a name; None where it is gone, or never was one."""
    return next((each for each in kept(context) if each.name == name), None)


def made_by(context: Context) -> dict[str, str]:
    """Who made each report that is kept here, by its file's name, as the record of actions says."""
    made = context.store.actions(kind=ActionKind.REPORT_MADE, limit=LOOKED_BACK)
    return {str(each.detail.get("file")): each.who for each in made}


def new_path(context: Context, kind: str, now: datetime) -> Path:
    """Where a report that is made now is kept; the oldest made here go."""
    folder = context.folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = sorted(_of(folder, scheduled=False), key=lambda each: each.at, reverse=True)
    for old in made[MOST_MADE - 1 :]:
        old.path.unlink(missing_ok=True)
    station = re.sub(r"[^\w-]+", "_", context.settings.station)
    return folder / f"{station}-{now.astimezone():%Y%m%d-%H%M%S-%f}.{kind}"


def _of(folder: Path, *, scheduled: bool) -> list[KeptReport]:
    if not folder.is_dir():
        return []
    files = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES]
    return [
        KeptReport(
            path, scheduled, datetime.fromtimestamp(about.st_mtime).astimezone(), about.st_size
        )
        for path in files
        if not path.name.startswith(".") and (about := path.stat())
    ]
