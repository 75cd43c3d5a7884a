"""The folder of pictures beside the database: one file a part, on the disk before its row is."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from inspection.store.errors import StoreDamaged

if TYPE_CHECKING:
    from cameras.base import Frame
from inspection.durable_files import make_folder, sync_folder

# A younger file may belong to a part whose row is just being written.
_ORPHAN_AGE_S = 60.0


@dataclass(frozen=True, slots=True)
class Archive:
    """Pictures as `YYYY/MM/DD/PART_ID.png` by the UTC day of judging, below `root`."""

    root: Path
    _made: set[Path] = field(default_factory=set, init=False)

    def path(self, image: str) -> Path:
        """Return the path of a picture's file. Raises StoreDamaged where the path leads out of the archive."""
        path = self.root / image
        if not path.resolve().is_relative_to(self.root.resolve()):
            raise StoreDamaged(f"image {image!r} lies outside the archive {self.root}; run verify")
        return path

    def fault(self, image: str, sha256: str | None, *, may_be_gone: bool) -> str | None:
        """Say what is wrong with a picture the record names, or None."""
        try:
            data = self.path(image).read_bytes()
        except StoreDamaged as exc:
            return str(exc)
        except FileNotFoundError:
            return None if may_be_gone else f"picture {image} is missing"
        except OSError as exc:
            return f"picture {image} cannot be read ({exc.strerror})"
        if hashlib.sha256(data).hexdigest() != sha256:
            return f"picture {image} was changed; its sha256 does not match"
        return None

    def size_bytes(self, image: str) -> int:
        """Return the size of a picture in bytes, 0 where there is none."""
        try:
            return (self.root / image).stat().st_size
        except FileNotFoundError:
            return 0

    def remove(self, images: Sequence[str]) -> None:
        """Remove pictures for good; those that are gone already stay so. Raises OSError."""
        paths = [self.path(image) for image in images]
        for path in paths:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in paths}:
            if folder.is_dir():
                sync_folder(folder)

    def orphans(self, known: set[str]) -> list[str]:
        """List the files, older than a minute, that no row names; harmless leftovers of a crash."""
        newest = time.time() - _ORPHAN_AGE_S
        files = (path for path in self.root.rglob("*") if path.is_file())
        old = (
            path.relative_to(self.root).as_posix() for path in files if _changed_at(path) <= newest
        )
        return sorted(set(old) - known)

    def make(self, folder: Path) -> None:
        """Make a folder of the archive, so that it outlives a power cut."""
        # Once a process also where the folder is there: the one that made it may have died before
        # its fsync.
        if folder == self.root or folder in self._made:
            return
        self.make(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
        self._made.add(folder)

    def make_anew(self, *folders: Path) -> None:
        """Make folders again that somebody took away while we were at work."""
        self._made.clear()
        for folder in folders:
            make_folder(folder)


def encode_picture(frame: Frame) -> bytes:
    """Encode a frame as a lossless PNG, fast; other threads run meanwhile."""
    import cv2  # here, for a store that only reads does not need it

    image = frame.image if frame.image.ndim == 2 else cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR)
    # Level 1; the rest is what was fastest and smallest on camera pictures: their noise leaves
    # nothing to match, so differences to the row above with Huffman codes alone win on both counts.
    options = [
        cv2.IMWRITE_PNG_COMPRESSION, 1,
        cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP,
        cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY,
    ]  # fmt: skip
    return cv2.imencode(".png", image, options)[1].tobytes()


def _changed_at(path: Path) -> float:
    # A file may be renamed while we look; then it is young.
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()
