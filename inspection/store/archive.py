"""The folder of pictures beside the database: one file a part, on the disk before its row is."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from inspection.store.errors import StoreDamaged
from inspection.store.records import NewPart

if TYPE_CHECKING:
    from cameras.base import Frame

# A younger file may belong to a part whose row is just being written.
_ORPHAN_AGE_S = 60.0
# More than there are cores: most of their time is the disk's. 8 wrote three times what 1 did, on two.
_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Picture:
    """A stored picture: its path inside the archive, with slashes, and its sha256; or none."""

    image: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Archive:
    """Pictures as `YYYY/MM/DD/PART_ID.png` by the UTC day of judging, below `root`."""

    root: Path
    _made: set[Path] = field(default_factory=set, init=False)

    @contextmanager
    def stored(self, records: Sequence[NewPart]) -> Iterator[Staged]:
        """Put the pictures on the disk beside their places, fsync'd; without the store's lock.

        `placed` of what is given moves them there; what was not is taken away at the end.
        """
        staged = Staged(self, [self.root / _place(each) for each in records if each.has_picture])
        try:
            staged.write(records)
            yield staged
        finally:
            _remove(staged.asides)

    def path(self, image: str) -> Path:
        """Give a picture's file. Raises StoreDamaged where the path leads out of the archive."""
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
        """Give the size of a picture, 0 where there is none."""
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


class Staged:
    """Pictures of one call on their way into the archive: written, not yet at their places."""

    def __init__(self, archive: Archive, targets: Sequence[Path]) -> None:
        # A name of this call's own: a part given twice at once must not mix its pictures.
        self.archive = archive
        self.targets = targets
        self.asides = [path.with_name(f".{path.name}.{uuid4().hex}.part") for path in targets]
        self.pictures: list[Picture] = []

    def write(self, records: Sequence[NewPart]) -> None:
        """Write and fsync each picture."""
        for folder in {target.parent for target in self.targets}:
            self.archive.make(folder)
        pending = iter(zip(self.targets, self.asides, strict=True))
        jobs = [(record, next(pending) if record.has_picture else None) for record in records]
        if len(jobs) == 1:
            self.pictures = [self._write(jobs[0])]
            return
        # Encoding and fsync both let other threads run, and a batch waits for all of them: the
        # threads live in this call only. Leaving the block waits, so a failure leaves none behind.
        with ThreadPoolExecutor(min(_WORKERS, len(jobs))) as pool:
            self.pictures = list(pool.map(self._write, jobs))

    @contextmanager
    def placed(self) -> Iterator[list[Picture]]:
        """Move the pictures to their places, where no part is known yet; back if the body raises.

        A commit belongs after the body: one that failed could yet turn out to be done.
        """
        try:
            for aside, target in zip(self.asides, self.targets, strict=True):
                os.replace(aside, target)
            for folder in {target.parent for target in self.targets}:
                sync_folder(folder)
            yield self.pictures
        except BaseException:
            _remove(self.targets)
            raise

    def _write(self, job: tuple[NewPart, tuple[Path, Path] | None]) -> Picture:
        record, paths = job
        if paths is None:
            return Picture()
        target, aside = paths
        data = record.image_bytes
        if data is None:
            assert record.frame is not None
            data = encode_picture(record.frame)
        write_durably(aside, data)
        place = target.relative_to(self.archive.root).as_posix()
        return Picture(place, hashlib.sha256(data).hexdigest())


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


def write_durably(path: Path, data: bytes) -> None:
    """Write and fsync a file; its folder's own fsync is the caller's."""
    with path.open("wb", buffering=0) as file:
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]
        os.fsync(file.fileno())


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that they outlive a power cut."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Fsync a folder, so that the names in it outlive a power cut."""
    if os.name == "nt":  # Windows cannot open a folder for fsync
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _place(record: NewPart) -> str:
    day = record.judged_at.astimezone(UTC)
    return f"{day:%Y/%m/%d}/{record.part_id}{record.image_suffix}"


def _changed_at(path: Path) -> float:
    # A file may be renamed while we look; then it is young.
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


def _remove(paths: Iterator[Path] | Sequence[Path]) -> None:
    # Clean-up after a failure: what cannot be removed stays as an orphan, and verify lists it.
    for path in paths:
        with suppress(OSError):
            path.unlink()
