"""What `inspection doctor` finds of a station, for the page."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from inspection.doctor import examine
from inspection.jobs.status_file import DONE, StatusFile


def main() -> None:
    """Examine the station of the request; the folder of the job stands on the command line."""
    with StatusFile(Path(sys.argv[1]) / "status.json") as status:
        request = json.load(sys.stdin)
        findings = examine(recipe=None, store=None, station=Path(request["station"]))
        status.end(DONE, result={"findings": [asdict(finding) for finding in findings]})
