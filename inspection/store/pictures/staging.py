"""Pictures on their way into the record: on the disk before their row, and nobody's until it is there.

Each is written under a name of its own in INCOMING and linked to its place. The name in INCOMING goes
when the row is committed: what is still there while nobody writes, a crash left.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from inspection.durable_files import make_folder, sync_folder
from inspection.store.errors import StoreUnavailable
from inspection.store.pictures.archive import Archive, encode_picture
from inspection.store.records import NewPart, StagedPicture

INCOMING = ".incoming"
# More than there are cores: most of their time is the disk's. 8 wrote three times what 1 did, on two.
_WORKERS = 8
_NAME = re.compile(r"([0-9a-f-]{36})\.(\d{4})-(\d\d)-(\d\d)-([a-z0-9]{1,8})-([0-9a-f]{32})")


@dataclass(slots=True)
class Batch:
    """The pictures of one call, None for a part without one; `tried` once a row may name them."""

    pictures: list[StagedPicture | None] = field(default_factory=list)
    fresh: list[StagedPicture] = field(default_factory=list)
    tried: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """A name a crash left in INCOMING, and the picture's place in the archive if it had come so far."""

    aside: Path
    part_id: str
    image: str | None


@dataclass(frozen=True, slots=True)
class Staging:
    """Puts pictures into an archive, without the store's lock."""

    archive: Archive

    def open(self) -> None:
        """Make the folder they come in."""
        make_folder(self.archive.root / INCOMING)

    def stage(self, part_id: str, data: bytes, suffix: str, day: datetime) -> StagedPicture:
        """Put a picture at its place; it is on the disk on return. Raises OSError."""
        picture = self._write(part_id, data, suffix, day)
        sync_folder((self.archive.root / picture.image).parent)
        return picture

    @contextmanager
    def staged(self, records: Sequence[NewPart]) -> Iterator[Batch]:
        """Stage what is not yet, for a body that commits rows; without one it goes away again.

        A commit that failed may yet turn out to be done: then pictures and names in INCOMING stay.
        """
        batch = Batch()
        try:
            self._fill(batch, records)
            yield batch
        except BaseException:
            if not batch.tried:
                for picture in batch.fresh:
                    _remove(picture.aside, self.archive.root / picture.image)
            raise
        _remove(*(picture.aside for picture in batch.pictures if picture is not None))

    def require(self, batch: Batch) -> None:
        """Raise StoreUnavailable where a picture went away: our lock was lost, and another's for a while."""
        for picture in batch.pictures:
            if picture is not None and not self._holds(picture):
                raise StoreUnavailable(
                    f"picture {picture.image} was cleared by another writer meanwhile; try again"
                )

    def left(self) -> list[Left]:
        """List what a crash left; only for who holds the lock. Files of other names are not ours."""
        folder = self.archive.root / INCOMING
        named = ((aside, _NAME.fullmatch(aside.name)) for aside in sorted(folder.iterdir()))
        return [Left(aside, match[1], self._place(aside, match)) for aside, match in named if match]

    def clear(self, left: Sequence[Left], lost: Sequence[Left]) -> None:
        """Take away these names, and first the pictures that are lost. Raises OSError."""
        self.archive.remove([each.image for each in lost if each.image is not None])
        for each in left:
            each.aside.unlink(missing_ok=True)

    def _fill(self, batch: Batch, records: Sequence[NewPart]) -> None:
        def picture(record: NewPart) -> StagedPicture | None:
            if not record.has_picture:
                return None
            if record.staged is not None and self._holds(record.staged):
                return record.staged
            day = record.judged_at.astimezone(UTC)
            made = self._write(record.part_id, _data(record), record.image_suffix, day)
            batch.fresh.append(made)
            return made

        if len(records) == 1:
            batch.pictures = [picture(records[0])]
        else:
            # Encoding and fsync both let other threads run, and a batch waits for all of them: the
            # threads live in this call only. Leaving the block waits, so a failure leaves none behind.
            with ThreadPoolExecutor(min(_WORKERS, len(records))) as pool:
                batch.pictures = list(pool.map(picture, records))
        for folder in {(self.archive.root / each.image).parent for each in batch.fresh}:
            sync_folder(folder)

    def _write(self, part_id: str, data: bytes, suffix: str, day: datetime) -> StagedPicture:
        try:
            return self._written(part_id, data, suffix, day)
        except FileNotFoundError:  # somebody took the folders away: the next parts still need them
            self.archive.make_anew(self.archive.root / INCOMING)
            return self._written(part_id, data, suffix, day)

    def _written(self, part_id: str, data: bytes, suffix: str, day: datetime) -> StagedPicture:
        # The link comes before the fsync, so that one turn of the disk's journal carries both.
        unique = uuid4().hex
        folder = self.archive.root / f"{day:%Y/%m/%d}"
        aside = self.archive.root / INCOMING / f"{part_id}.{day:%Y-%m-%d}-{suffix[1:]}-{unique}"
        self.archive.make(folder)
        target = folder / f"{part_id}{suffix}"
        try:
            with aside.open("xb", buffering=0) as file:
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) :]
                target = _linked(aside, target, unique)
                os.fsync(file.fileno())
        except BaseException:
            if _same(aside, target):
                _remove(target)
            _remove(aside)
            raise
        place = target.relative_to(self.archive.root).as_posix()
        return StagedPicture(place, hashlib.sha256(data).hexdigest(), aside)

    def _holds(self, picture: StagedPicture) -> bool:
        return (self.archive.root / picture.image).is_file()

    def _place(self, aside: Path, match: re.Match[str]) -> str | None:
        part_id, year, month, day, suffix, unique = match.groups()
        for name in (f"{part_id}.{suffix}", _other(part_id, unique, f".{suffix}")):
            image = f"{year}/{month}/{day}/{name}"
            if _same(aside, self.archive.root / image):
                return image
        return None


def _data(record: NewPart) -> bytes:
    if record.image_bytes is not None:
        return record.image_bytes
    assert record.frame is not None
    return encode_picture(record.frame)


def _linked(aside: Path, target: Path, unique: str) -> Path:
    other = target.with_name(_other(target.stem, unique, target.suffix))
    try:
        os.link(aside, target)
    except FileExistsError:  # of an earlier attempt, or of a part known already: it is not ours
        os.link(aside, other)
        return other
    except OSError:  # a disk without links: what a crash leaves there, `verify` names
        aside.rename(other)
        return other
    return target


def _other(stem: str, unique: str, suffix: str) -> str:
    return f"{stem}~{unique}{suffix}"


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _remove(*paths: Path) -> None:
    # Clean-up: what cannot be removed now is cleared when the store is opened the next time.
    for path in paths:
        with suppress(OSError):
            path.unlink()
