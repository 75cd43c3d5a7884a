"""Pictures from a folder: replay those that are there, or watch for those that arrive."""

from __future__ import annotations

import os
import time
from fnmatch import fnmatch
from pathlib import Path

from cameras._picture_files.arrivals import Arrivals
from cameras._picture_files.reading import check_bits, list_images, one_line, read_image
from cameras.base import (
    Camera,
    CameraError,
    CameraLost,
    CameraTimeout,
    CameraUnavailable,
    EndOfStream,
    Frame,
    ImageFileError,
)

AFTER = ("keep", "delete", "move")
POLL_S = 0.02


class Folder(Camera):
    """One picture file a trigger: the files there are in name order, or those that arrive.

    `pattern` keeps the file names it matches, as `*_top.png` does; `bits` is what pictures of 16
    bits really use. A frame's `frame_id` is its file's place in `files`, or in the order of arrival
    when it watches. A file that cannot be read raises ImageFileError once and counts in the next
    frame's `missed_before`.
    """

    name = "folder"
    instead = "give the folder's path"

    def __init__(
        self,
        *,
        path: str | Path,
        repeat: bool = False,
        pattern: str | None = None,
        bits: int = 16,
        watch: bool = False,
        stable_s: float = 0.5,
        sentinel_suffix: str | None = None,
        after: str = "keep",
    ) -> None:
        self.path, self.repeat, self.pattern, self.bits = path, repeat, pattern, bits
        self.watch, self.stable_s = watch, stable_s
        self.sentinel_suffix, self.after = sentinel_suffix, after
        self.files: list[Path] = []
        self._arrivals: Arrivals | None = None
        self._next, self._missed = 0, 0

    def open(self) -> None:
        """List the folder's pictures, or begin to watch. Raises CameraUnavailable."""
        self._check()
        if self.watch:
            self._arrivals = self._watched()
        else:
            self.files = self._listed()
        self._next, self._missed = 0, 0
        self._begin_session()

    def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
        """Read the next file. Raises EndOfStream after the last, ImageFileError for a bad one."""
        self._must_be_open()
        self._state = "ACQUIRING"
        place, path = self._arrived(timeout_s) if self._arrivals else self._replayed()
        try:
            image = read_image(path, bits=self.bits)
        except ImageFileError:
            self._missed += 1
            self._tally("incomplete")
            self._finish(path, "failed")
            raise
        self._tally("complete")
        self._finish(path, "done")
        missed, self._missed = self._missed, 0
        return self._frame(image, frame_id=place, trigger_id=trigger_id, missed_before=missed)

    def close(self) -> None:
        """Forget the session; `files` stays readable."""
        self._arrivals = None
        self._end_session()

    @property
    def queues(self) -> bool:
        """Whether pictures arrive by themselves: those of a watched folder do."""
        return self.watch

    def _replayed(self) -> tuple[int, Path]:
        if self._next == len(self.files):
            if not self.repeat:
                self._state = "END_OF_STREAM"
                shown = one_line(str(self.path))
                raise EndOfStream(f"folder {shown}: all {len(self.files)} pictures are read")
            self._next = 0
        self._next += 1
        return self._next - 1, self.files[self._next - 1]

    def _arrived(self, timeout_s: float) -> tuple[int, Path]:
        """Wait for the next whole file."""
        until = time.monotonic() + timeout_s
        while (path := self._next_arrival()) is None:
            if (left_s := until - time.monotonic()) <= 0:
                shown = one_line(str(self.path))
                raise CameraTimeout(f"folder {shown}: no whole picture arrived in {timeout_s} s")
            time.sleep(min(POLL_S, left_s))
        self._next += 1
        return self._next - 1, path

    def _next_arrival(self) -> Path | None:
        assert self._arrivals is not None
        try:
            return self._arrivals.next(time.monotonic())
        except CameraUnavailable as exc:
            self._state = "LOST"
            raise CameraLost(f"{exc}; it was there before") from exc

    def _finish(self, path: Path, ending: str) -> None:
        """Clear away a file that was read; a bad one is moved aside but never deleted."""
        if self._arrivals is None or self.after == "keep" or not path.exists():
            return
        try:
            self._clear(path, ending, self._arrivals)
        except OSError as exc:
            shown = one_line(str(path))
            raise CameraError(f"picture {shown} cannot be cleared away: {exc.strerror}") from exc

    def _clear(self, path: Path, ending: str, arrivals: Arrivals) -> None:
        sentinels = arrivals.sentinels(path)
        if self.after == "move":
            place = path.parent / ending
            place.mkdir(exist_ok=True)
            path.replace(place / path.name)
        elif ending == "done":
            path.unlink()
        else:
            return
        for sentinel in sentinels:
            sentinel.unlink(missing_ok=True)

    def _watched(self) -> Arrivals:
        if self.after != "keep" and not os.access(self.path, os.W_OK):
            shown = one_line(str(self.path))
            raise CameraUnavailable(
                f"folder {shown}: after {self.after!r} needs a folder that can be written to"
            )
        return Arrivals(
            self.path,
            self._matches,
            stable_s=self.stable_s,
            sentinel_suffix=self.sentinel_suffix,
            skip_old=self.after == "keep",
        )

    def _listed(self) -> list[Path]:
        files = [path for path in list_images(self.path) if self._matches(path.name)]
        if not files:
            shown = one_line(str(self.path))
            raise CameraUnavailable(f"folder {shown}: no picture matches {self.pattern or '*'!r}")
        return files

    def _matches(self, name: str) -> bool:
        return fnmatch(name, self.pattern or "*")

    def _check(self) -> None:
        self._require("after", self.after, AFTER)
        if not 0 <= self.stable_s <= 3600:
            raise CameraError(
                f"camera folder: stable_s: expected 0 to 3600 seconds, got {self.stable_s}"
            )
        if self.sentinel_suffix is not None and not self.sentinel_suffix.startswith("."):
            raise CameraError(
                "camera folder: sentinel_suffix: expected an ending with its dot, as '.done', "
                f"got {self.sentinel_suffix!r}"
            )
        try:
            check_bits(self.bits)
        except ValueError as exc:
            raise CameraError(f"camera folder: {exc}") from exc
