"""Puts a backup back into a folder of its own, and checks the record as an auditor would."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from inspection.backup.archive import BackupError, Manifest, read_manifest, read_member
from inspection.durable_files import PRIVATE, sync_folder, sync_tree
from inspection.store import open_store
from inspection.store.chain import ChainHead

if TYPE_CHECKING:
    from models import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A station put back: its file, and what the record's verification found."""

    manifest: Manifest
    station: Path
    findings: tuple[str, ...]


def restore(backup: Path, folder: Path, *, progress: Progress) -> Restored:
    """Unpack a backup into `folder`, which must be new or empty; whole, or not at all.

    Raises BackupError for a damaged backup, StoreError, OSError.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupError(f"restore to {folder}: holds something already; give a new folder")
    manifest = read_manifest(backup)
    _require_room(folder, manifest)
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}.{token_hex(8)}.part")
    try:
        _unpack(backup, manifest, aside, progress)
        progress("Verifying the record", 0, 0)
        findings = _verified(manifest, aside)
        sync_tree(aside)
        aside.replace(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Restored(
        manifest=manifest, station=folder / manifest.station_file, findings=tuple(findings)
    )


def _unpack(backup: Path, manifest: Manifest, folder: Path, progress: Progress) -> None:
    folder.mkdir(mode=0o700)
    with zipfile.ZipFile(backup) as archive:
        for done, (name, member) in enumerate(manifest.files.items()):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with path.open("xb") as writing:
                path.chmod(PRIVATE)
                read_member(backup, archive, name, member, writing.write)
            progress("Unpacking", done + 1, len(manifest.files))


def _verified(manifest: Manifest, folder: Path) -> list[str]:
    record, images = folder / manifest.record, folder / manifest.images
    with open_store(record, images=images, read_only=True) as store:
        return store.verify(noted=ChainHead(manifest.parts, manifest.head))


def _require_room(folder: Path, manifest: Manifest) -> None:
    there = next(each for each in folder.absolute().parents if each.exists())
    free = shutil.disk_usage(there).free
    if free < manifest.bytes:
        raise BackupError(
            f"restore to {folder}: needs {manifest.bytes / 1e9:.1f} GB, {there} has "
            f"{free / 1e9:.1f} GB; give a folder on another disk"
        )
