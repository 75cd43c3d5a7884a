"""The file of a backup: a zip, stored and not compressed, that unpacks to a station's folder.

Its member `backup.json` has the format number and the sha256 of every other member. Private: it holds
the hashes of passwords, and whatever secrets stand in the station file.

Errors
------
InspectionError
└── BackupError    a backup cannot be made, read or put back
"""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Any

from annotated_types import Ge
from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from inspection.errors import InspectionError
from inspection.outside import ARCHIVE_FAULTS

FORMAT = 1
MANIFEST = "backup.json"
LARGEST_MANIFEST_BYTES = 2**30
BLOCK_BYTES = 2**20


class BackupError(InspectionError):
    """A backup cannot be made, read or put back."""


@dataclass(frozen=True, config={"extra": "forbid"}, kw_only=True)
class Member:
    """One file of a backup: its sha256 and size."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Ge(0)]


@dataclass(frozen=True, config={"extra": "forbid"}, kw_only=True)
class Manifest:
    """What is in a backup; paths are below the folder it unpacks to.

    `moved` has the keys of the station file that named a place outside its folder, with the place.
    `missing` are pictures that were gone though no rule had removed them.
    """

    format: int
    made_by: str
    made_at: str
    station: str
    station_file: str
    record: str
    images: str
    parts: int
    head: str
    moved: dict[str, str]
    missing: tuple[str, ...]
    files: dict[str, Member]

    @property
    def bytes(self) -> int:
        """How much all files take."""
        return sum(member.bytes for member in self.files.values())


class Writer:
    """Puts files into a backup and remembers their hashes."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.files: dict[str, Member] = {}

    def add(self, name: str, source: Path) -> None:
        """Copy a file in. Raises OSError."""
        with source.open("rb") as reading:
            self.add_stream(name, reading)

    def add_stream(self, name: str, reading: IO[bytes]) -> None:
        """Copy what a stream gives."""
        with self.archive.open(_info(name), "w", force_zip64=True) as writing:
            self.files[name] = copied(reading, writing.write)

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest; it is the last member."""
        data = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
        self.archive.writestr(_info(MANIFEST), data)


def copied(reading: IO[bytes], write: Callable[[bytes], object]) -> Member:
    """Hand on all that a stream gives; tell its hash and size."""
    digest, size = hashlib.sha256(), 0
    while block := reading.read(BLOCK_BYTES):
        digest.update(block)
        size += len(block)
        write(block)
    return Member(sha256=digest.hexdigest(), bytes=size)


def read_manifest(path: Path) -> Manifest:
    """Read what is in a backup. Raises BackupError for a file that is none, or damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(MANIFEST).file_size > LARGEST_MANIFEST_BYTES:
                raise BackupError(f"backup {path}: {MANIFEST} is too large to be ours")
            data = json.loads(archive.read(MANIFEST))
            names = set(archive.namelist()) - {MANIFEST}
    except OSError as error:
        raise BackupError(f"backup {path}: cannot be read ({error.strerror})") from error
    except ARCHIVE_FAULTS as error:
        raise BackupError(f"backup {path}: not a backup, or damaged; take another copy") from error
    if isinstance(data, dict) and data.get("format") != FORMAT:
        raise BackupError(
            f"backup {path}: format {data.get('format')!r:.20}, this program reads {FORMAT}"
        )
    try:
        manifest = TypeAdapter(Manifest).validate_python(data)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise BackupError(f"backup {path}: {MANIFEST} is damaged at {where!r:.80}") from None
    if lost := set(manifest.files) - names:
        raise BackupError(f"backup {path}: member {min(lost)} is missing; take another copy")
    if unsafe := [
        name for name in (*manifest.files, manifest.record, manifest.images) if _unsafe(name)
    ]:
        raise BackupError(f"backup {path}: member {unsafe[0]!r:.80} leads out of its folder")
    return manifest


def check(path: Path, manifest: Manifest, progress: Callable[[int, int], None]) -> None:
    """Read every member back. Raises BackupError where one is not as it was written."""
    with zipfile.ZipFile(path) as archive:
        for done, (name, member) in enumerate(manifest.files.items()):
            read_member(path, archive, name, member, lambda block: None)
            progress(done + 1, len(manifest.files))


def read_member(
    path: Path,
    archive: zipfile.ZipFile,
    name: str,
    member: Member,
    write: Callable[[bytes], object],
) -> None:
    """Hand on a member's bytes. Raises BackupError where they are not those that were put in."""
    try:
        with archive.open(name) as reading:
            found = copied(reading, write)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise BackupError(f"backup {path}: member {name} is damaged ({error})") from error
    if found != member:
        raise BackupError(
            f"backup {path}: member {name} is damaged; its sha256 does not match; take another copy"
        )


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, time.gmtime()[:6])
    info.external_attr = 0o600 << 16
    return info


def _unsafe(name: str) -> bool:
    path = PurePosixPath(name)
    return (
        path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or not path.parts
    )
