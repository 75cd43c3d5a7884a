"""Long work on the record, in a process of its own with low priority: the page never waits for it.

The parent writes one JSON object to it and reads one back; nothing secret stands on a command line.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from inspection.errors import expected
from inspection.store import PartRecord, Store, open_store
from inspection.store.reading.export import RecordsError, write_table
from inspection.store.reading.lot_report import lot_report, write_report
from inspection.store.reading.summary import Span, all_of

MOST_BYTES = 2 * 10**9
MOST_FINDINGS = 500


def main() -> None:
    """Do one thing and say how it went."""
    os.nice(10)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    wanted = json.load(sys.stdin)
    try:
        found = do(wanted)
    except Exception as error:
        text = str(error) if expected(error) else f"{type(error).__name__}: {error}"
        found = {"error": " ".join(text.split())}
    sys.stdout.write(json.dumps(found))


def do(wanted: dict[str, Any]) -> dict[str, Any]:
    """Do what is wanted: "verify", "export" or "report". Raises InspectionError."""
    images = None if wanted["images"] is None else Path(wanted["images"])
    with open_store(wanted["record"], images=images, read_only=True) as store:
        return _DO[wanted["do"]](store, wanted)


def _end_with(parent: int) -> None:
    """End as soon as the page that asked is gone."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _verify(store: Store, wanted: dict[str, Any]) -> dict[str, Any]:
    begun = time.monotonic()
    findings = store.verify(pictures=wanted["pictures"])
    head = store.head()
    return {
        "count": len(findings),
        "findings": findings[:MOST_FINDINGS],
        "head": {"count": head.count, "hash": head.hash},
        "seconds": time.monotonic() - begun,
        "pictures": wanted["pictures"],
    }


def _export(store: Store, wanted: dict[str, Any]) -> dict[str, Any]:
    target = Path(wanted["target"])
    found = all_of(store, span_of(wanted["span"]))
    if target.suffix != ".zip":
        done = write_table(store, found, target)
        return {"parts": done.parts, "images": 0, "images_missing": 0}
    table = target.with_name(f"{target.stem}-parts.{wanted['kind']}")
    try:
        return _zipped(store, found, target, table)
    finally:
        table.unlink(missing_ok=True)


def _zipped(store: Store, found: Iterator[PartRecord], target: Path, table: Path) -> dict[str, Any]:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        pictures = _Zipped(store, archive)
        done = write_table(store, (pictures.taken(record) for record in found), table)
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


def _report(store: Store, wanted: dict[str, Any]) -> dict[str, Any]:
    report = lot_report(store, wanted["lot"], pictures=wanted["pictures"])
    write_report(report, Path(wanted["target"]))
    return {"parts": report.parts}


def told_span(span: Span) -> dict[str, Any]:
    """Say a span in JSON."""
    found = {name: getattr(span, name) for name in Span.__dataclass_fields__}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in found.items()
    }


def span_of(told: dict[str, Any]) -> Span:
    """Read a span from JSON."""
    times = {
        name: None if told[name] is None else datetime.fromisoformat(told[name])
        for name in ("since", "until")
    }
    return Span(**(told | times))


_DO = {"verify": _verify, "export": _export, "report": _report}

if __name__ == "__main__":
    main()
