"""Replay the pictures of a folder, in name order: for trying a recipe on pictures already taken."""

from __future__ import annotations

from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from uuid import uuid4

from cameras._files import check_bits, list_images, one_line, read_image
from cameras.base import Camera, CameraError, CameraUnavailable, EndOfStream, Frame, ImageFileError


class Folder(Camera):
    """One picture file a trigger, in name order; the list is made when the folder is opened.

    `pattern` keeps the file names it matches, as `*_top.png` does; `bits` is what pictures of 16
    bits really use. A frame's `frame_id` is its file's place in `files`. A file that cannot be read
    raises ImageFileError once and counts in the next frame's `missed_before`.
    """

    name = "folder"

    def __init__(
        self,
        *,
        path: str | Path,
        repeat: bool = False,
        pattern: str | None = None,
        bits: int = 16,
    ) -> None:
        self.path, self.repeat, self.pattern, self.bits = path, repeat, pattern, bits
        self.files: list[Path] = []
        self._session = ""

    def open(self) -> None:
        """List the folder's pictures. Raises CameraUnavailable if there are none."""
        try:
            check_bits(self.bits)
        except ValueError as exc:
            raise CameraError(f"camera folder: {exc}") from exc
        pattern = self.pattern or "*"
        files = [path for path in list_images(self.path) if fnmatch(path.name, pattern)]
        if not files:
            shown = one_line(str(self.path))
            raise CameraUnavailable(f"folder {shown}: no picture matches {pattern!r}")
        self.files, self._session = files, uuid4().hex
        self._next, self._sequence, self._missed = 0, 0, 0

    def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
        """Read the next file. Raises EndOfStream after the last, ImageFileError for a bad one."""
        if not self._session:
            raise CameraError("camera folder is closed; open it before reading")
        place = self._take_place()
        try:
            image = read_image(self.files[place], bits=self.bits)
        except ImageFileError:
            self._missed += 1
            raise
        frame = Frame(
            image=image,
            camera=self.name,
            frame_id=place,
            session=self._session,
            sequence=self._sequence,
            missed_before=self._missed,
            captured_at=datetime.now(UTC),
            trigger_id=trigger_id,
        )
        self._sequence, self._missed = self._sequence + 1, 0
        return frame

    def close(self) -> None:
        """Forget the session; `files` stays readable."""
        self._session = ""

    def _take_place(self) -> int:
        if self._next == len(self.files):
            if not self.repeat:
                shown = one_line(str(self.path))
                raise EndOfStream(f"folder {shown}: all {len(self.files)} pictures are read")
            self._next = 0
        self._next += 1
        return self._next - 1
