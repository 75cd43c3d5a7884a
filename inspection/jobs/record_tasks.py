"""Long work on the record: verifying it, exporting parts, reporting them.

Each is a job (`inspection.jobs`): the request comes as JSON on standard input, the result goes into
the job's status.
"""

from __future__ import annotations

import json
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspection.durable_files import replacing
from inspection.jobs.kinds import EXPORT, REPORT, VERIFY
from inspection.jobs.status_file import DONE, StatusFile
from inspection.labels.people_columns import people_columns
from inspection.reports import report_of, write_report
from inspection.reports.report import WRITING
from inspection.station.station_file import read_station
from inspection.store import PartRecord, Store, open_to_read
from inspection.store.filters import part_filter_from_json
from inspection.store.reading.export import Columns, RecordsError, write_table
from inspection.store.reading.summary import all_of

if TYPE_CHECKING:
    from models import Progress

MOST_BYTES = 2 * 10**9
MOST_FINDINGS = 500


def main() -> None:
    """Do one task; its name and the job's folder are the command line."""
    task, folder = sys.argv
    with StatusFile(Path(folder) / "status.json") as status:
        status.end(DONE, result=run(task, json.load(sys.stdin), progress=status))


def run(task: str, request: Mapping[str, Any], *, progress: Progress) -> dict[str, Any]:
    """Do "verify", "export" or "report". Raises InspectionError."""
    images = None if request["images"] is None else Path(request["images"])
    with open_to_read(request["record"], images=images) as store:
        return _TASKS[task](store, request, progress)


def _verify(store: Store, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    begun = time.monotonic()
    progress("Verifying", 0, 0)
    findings = store.verify(pictures=request["pictures"])
    head = store.head()
    return {
        "count": len(findings),
        "findings": findings[:MOST_FINDINGS],
        "head": {"count": head.count, "hash": head.hash},
        "seconds": time.monotonic() - begun,
        "pictures": request["pictures"],
    }


def _export(store: Store, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    target = Path(request["target"])
    part_filter = part_filter_from_json(request["filter"])
    found = _counted(all_of(store, part_filter), progress)
    columns = people_columns(store)
    if target.suffix != ".zip":
        done = write_table(store, found, target, columns=columns)
        return {"parts": done.parts, "images": 0, "images_missing": 0}
    table = target.with_name(f"{target.stem}-parts.{request['kind']}")
    try:
        return _zipped(store, found, target, table, columns)
    finally:
        table.unlink(missing_ok=True)


def _counted(records: Iterator[PartRecord], progress: Progress) -> Iterator[PartRecord]:
    for number, record in enumerate(records, 1):
        progress("Writing", number, 0)
        yield record


def _zipped(
    store: Store, found: Iterator[PartRecord], target: Path, table: Path, columns: Columns
) -> dict[str, Any]:
    with (
        replacing(target, private=True) as aside,
        zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive,
    ):
        pictures = _Zipped(store, archive)
        taken = (pictures.taken(record) for record in found)
        done = write_table(store, taken, table, columns=columns)
        archive.write(table, f"parts{table.suffix}", zipfile.ZIP_DEFLATED)
    return {"parts": done.parts, "images": pictures.count, "images_missing": pictures.missing}


class _Zipped:
    """Puts the pictures of parts into a zip by the path they have in the archive; bounded."""

    def __init__(self, store: Store, archive: zipfile.ZipFile) -> None:
        self.store, self.archive = store, archive
        self.count = self.missing = self.bytes = 0

    def taken(self, record: PartRecord) -> PartRecord:
        """Put the part's picture in, if there is one; give the part on."""
        path = self.store.image_path(record)
        if path is None:
            return record
        try:
            self.bytes += path.stat().st_size
            if self.bytes > MOST_BYTES:
                raise RecordsError(
                    f"export: the pictures are more than {MOST_BYTES / 1e9:g} GB; ask for a shorter "
                    "time, or use `inspection records export --images`"
                )
            self.archive.write(path, f"pictures/{record.image}")
            self.count += 1
        except FileNotFoundError:
            self.missing += 1
        return record


def _report(store: Store, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    settings = read_station(Path(request["station"]))
    asked = part_filter_from_json(request["filter"])
    report = report_of(
        store,
        asked,
        settings,
        pictures=request["pictures"],
        verify=request["verify"],
        progress=progress,
    )
    progress(WRITING, 0, 0)
    write_report(report, Path(request["target"]), language=request["language"], private=True)
    return {"parts": report.parts, "rejects": report.rejects, "yield": report.yield_share}


_TASKS = {VERIFY: _verify, EXPORT: _export, REPORT: _report}
