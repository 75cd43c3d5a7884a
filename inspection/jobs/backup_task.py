"""A backup of a station, for the page."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from inspection.backup import back_up, default_name
from inspection.jobs.status_file import DONE, StatusFile


def main() -> None:
    """Back up the station of the request into the job's folder, which stands on the command line."""
    folder = Path(sys.argv[1])
    with StatusFile(folder / "status.json") as status:
        request = json.load(sys.stdin)
        target = folder / default_name(request["name"])
        path, manifest = back_up(Path(request["station"]), target, progress=status)
        status.end(
            DONE,
            result={
                "file": path.name,
                "bytes": path.stat().st_size,
                "parts": manifest.parts,
                "head": manifest.head,
                "made_at": manifest.made_at,
                "missing": len(manifest.missing),
            },
        )
