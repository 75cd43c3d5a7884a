"""CSV: one row a part, one file a day."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from inspection.durable_files import sync_folder
from inspection.plant.messages import InspectionResult, StationInterface
from inspection.plant.outputs.base import Output, OutputError, OutputUnavailable
from inspection.spreadsheet import csv_text

COLUMNS = (
    "delivery_id", "number", "judged_at", "station", "product", "serial", "lot", "verdict", "reject",
    "score", "p_value", "threshold", "regions", "reason", "recipe_id", "trigger_id", "total_ms",
    "image",
)  # fmt: skip
TAIL_BYTES = 1_000_000


class CsvFile(Output):
    """Appends each result to `folder/STATION-YYYY-MM-DD.csv`, the day in UTC, safe on the disk.

    A row is whole or not there: what a crash left of a row is cut off before the next is written.
    A delivery that is already among the last rows is not written again.
    """

    name = "csv_file"
    queued = True

    def __init__(self, *, folder: Path, separator: str = ",") -> None:
        self.folder, self.separator = folder, separator
        self._station_name: str | None = None

    def open(self, station: StationInterface) -> None:
        """Make the folder. Raises OutputUnavailable when it cannot be written to."""
        if self.separator not in (",", ";", "\t"):
            raise OutputUnavailable(
                f"output {self.name}: separator {self.separator!r} is none of ',' ';' tab"
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputUnavailable(f"output {self.name}: {error}") from error
        if not os.access(self.folder, os.W_OK):
            raise OutputUnavailable(
                f"output {self.name}: folder {self.folder} cannot be written to"
            )
        self._station_name = station.station

    def send(self, result: InspectionResult) -> None:
        """Append the result's row. Raises OutputError when the disk does not take it."""
        if self._station_name is None:
            raise OutputError(f"output {self.name} is closed; open it before sending")
        path = self.folder / f"{_file_name(self._station_name)}-{result.judged_at:%Y-%m-%d}.csv"
        try:
            self._append(path, result)
        except OSError as error:
            raise OutputError(f"output {self.name}: {error}") from error

    def close(self) -> None:
        """Forget the station; no file stays open between rows."""
        self._station_name = None

    def _append(self, path: Path, result: InspectionResult) -> None:
        is_new = not path.exists()
        with path.open("a+b") as file:
            tail = _repaired_tail(file)
            if f"\n{result.delivery_id}{self.separator}".encode() in tail:
                return
            header = [] if file.tell() else [list(COLUMNS)]
            file.write(
                csv_text([*header, _row(result)], separator=self.separator, line_end="\n").encode()
            )
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            sync_folder(path.parent)


def _row(result: InspectionResult) -> list[Any]:
    values = result.as_json() | {
        "regions": len(result.regions),
        "total_ms": result.latency_ms.get("total"),
    }
    return [_one_line(values[name]) for name in COLUMNS]


def _one_line(value: Any) -> Any:
    return value.replace("\r", " ").replace("\n", " ") if isinstance(value, str) else value


def _repaired_tail(file: Any) -> bytes:
    """Cut off a last row without its end; returns the file's last rows, a line break before each."""
    size = file.seek(0, os.SEEK_END)
    start = file.seek(max(0, size - TAIL_BYTES))
    tail: bytes = file.read()
    whole = tail.rfind(b"\n") + 1
    if whole != len(tail):
        file.truncate(start + whole)
    file.seek(0, os.SEEK_END)
    return b"\n" + tail[:whole]


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
