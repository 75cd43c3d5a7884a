"""Pictures of rejected parts, each with its result beside it, in folders by day and verdict."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Literal

from inspection.durable_files import copy_file, replace_file
from inspection.judgement import Verdict
from inspection.plant.messages import InspectionResult, StationInterface
from inspection.plant.outputs.base import Output, OutputError, OutputUnavailable


class ImageFolder(Output):
    """Copies pictures to `folder/YYYY-MM-DD/VERDICT/`, named by record number, serial and id.

    Both files are written whole or not at all, the picture first: where there is a JSON file, its
    picture is there and whole. The same delivery again changes nothing.
    """

    name = "image_folder"
    queued = True

    def __init__(self, *, folder: Path, which: Literal["rejected", "all"] = "rejected") -> None:
        self.folder, self.which = folder, which
        self._open = False

    def open(self, station: StationInterface) -> None:
        """Make the folder. Raises OutputUnavailable when it cannot be written to."""
        if self.which not in ("rejected", "all"):
            raise OutputUnavailable(
                f"output {self.name}: which = {self.which!r}; allowed: 'rejected', 'all'"
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputUnavailable(f"output {self.name}: {error}") from error
        if not os.access(self.folder, os.W_OK):
            raise OutputUnavailable(
                f"output {self.name}: folder {self.folder} cannot be written to"
            )
        self._open = True

    def send(self, result: InspectionResult) -> None:
        """Copy the picture and write its result. Raises OutputError when the disk refuses."""
        if not self._open:
            raise OutputError(f"output {self.name} is closed; open it before sending")
        if self.which == "rejected" and result.verdict is Verdict.PASS:
            return
        place = self.folder / f"{result.judged_at:%Y-%m-%d}" / result.verdict.value
        described = place / f"{_stem(result)}.json"
        try:
            if not described.exists():
                self._write(described, result)
        except OSError as error:
            raise OutputError(f"output {self.name}: {error}") from error

    def close(self) -> None:
        """Take no more results."""
        self._open = False

    def _write(self, described: Path, result: InspectionResult) -> None:
        copied = None
        if result.image is not None:
            source = Path(result.image)
            copied = copy_file(source, described.with_suffix(source.suffix))
        text = json.dumps(result.as_json() | {"image": copied.name if copied else None}, indent=1)
        replace_file(described, f"{text}\n".encode())


def _stem(result: InspectionResult) -> str:
    number = "" if result.number is None else f"{result.number:08d}"
    parts = [number, _file_name(result.serial or ""), _file_name(result.delivery_id)]
    return "_".join(part for part in parts if part)


def _file_name(text: str) -> str:
    """Make a text fit for a file name."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in text)[:80]
