"""Makes a backup while the station goes on: nothing waits for it, and what it holds fits together.

The database is copied as it is at one moment (SQLite's backup). Pictures are never changed, only
added and removed by rule: where one is gone by the time it is copied, the database is copied again.
"""

from __future__ import annotations

import io
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from inspection.backup.archive import FORMAT, BackupError, Manifest, Writer, check, read_manifest
from inspection.backup.layout import Layout, layout_of
from inspection.durable_files import replacing
from inspection.store import Store, open_store
from inspection.store.event_kinds import EventKind
from inspection.store.filters import ALL_PARTS
from inspection.store.reading.summary import all_of

if TYPE_CHECKING:
    from models import Progress

RESERVE_BYTES = 10**9
"""Left free on the disk that is written: it may be the station's own."""
MOST_TRIES = 5
EVENTS = 10_000


def back_up(station: Path, target: Path, *, progress: Progress) -> tuple[Path, Manifest]:
    """Write a backup of a station to `target`, a file or a folder to put it in, and read it back.

    Returns the file, and what is in it.
    Raises SetupError, StoreError, OSError, and BackupError for a record on a server or too small a disk.
    """
    layout = layout_of(station)
    if target.is_dir():
        target = target / default_name(layout.station)
    if not layout.database.exists():
        raise BackupError(f"backup of {layout.station}: its record {layout.database} is not there")
    _require_room(layout, target)
    with replacing(target, private=True) as aside:
        with zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            _write(layout, Writer(archive), progress, beside=target.parent)
        manifest = read_manifest(aside)
        check(aside, manifest, lambda done, of: progress("Reading it back", done, of))
    return target, manifest


def default_name(station: str) -> str:
    """The name of a backup made now."""
    safe = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in station)
    return f"{safe.strip('-') or 'station'}-{datetime.now(UTC):%Y%m%d-%H%M%S}.backup"


def _write(layout: Layout, writer: Writer, progress: Progress, *, beside: Path) -> None:
    writer.add_stream(layout.station_file, io.BytesIO(layout.text.encode()))
    for name, path in layout.recipes.items():
        if path.exists():
            writer.add(name, path)
    for name, path in layout.page_files():
        writer.add(name, path)
    with tempfile.TemporaryDirectory(dir=beside, prefix=".backup-") as temporary:
        snapshot = Path(temporary, "record.db")
        named, missing = _pictures(layout, writer, snapshot, progress)
        with open_store(snapshot, images=layout.archive, read_only=True) as store:
            head = store.head()
        writer.add(layout.record, snapshot)
    prefix = f"{layout.images}/"
    # A picture that a rule removed while we copied is in the file, but no part of the backup.
    kept = {
        name: member
        for name, member in writer.files.items()
        if not name.startswith(prefix) or name.removeprefix(prefix) in named
    }
    manifest = Manifest(
        format=FORMAT,
        made_by=f"inspection {version('inspection')}",
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        station=layout.station,
        station_file=layout.station_file,
        record=layout.record,
        images=layout.images,
        parts=head.count,
        head=head.hash,
        moved=layout.moved,
        missing=tuple(sorted(missing)),
        files=kept,
    )
    writer.finish(asdict(manifest))


def _pictures(
    layout: Layout, writer: Writer, snapshot: Path, progress: Progress
) -> tuple[set[str], set[str]]:
    """Copy the pictures of a moment's record, left in `snapshot`; those it names, and those lost."""
    lost: set[str] = set()
    for _ in range(MOST_TRIES):
        _copy_database(layout.database, snapshot)
        named, before = set(), lost
        lost = set()
        with open_store(snapshot, images=layout.archive, read_only=True) as store:
            removed = _removed(store)
            count = store.head().count
            for done, (part_id, image) in enumerate(_named(store)):
                progress("Copying pictures", done, count)
                if part_id in removed:
                    continue
                named.add(image)
                if f"{layout.images}/{image}" in writer.files:
                    continue
                try:
                    writer.add(f"{layout.images}/{image}", store.archive.path(image))
                except FileNotFoundError:
                    lost.add(image)
        if not lost or lost == before:  # gone twice, and not by a rule: it is not there
            break
    return named, lost


def _named(store: Store) -> Iterator[tuple[str, str]]:
    for record in all_of(store, ALL_PARTS):
        if record.image is not None:
            yield record.part_id, record.image


def _removed(store: Store) -> set[str]:
    """The parts whose picture a rule removed."""
    removed: set[str] = set()
    after = 0
    while page := store.events_of(EventKind.PICTURE_REMOVED, after_number=after, limit=EVENTS):
        removed |= {event.part_id for event in page}
        after = page[-1].number
    return removed


def _copy_database(source: Path, target: Path) -> None:
    """Copy a database that others write, as it is at one moment, into one file."""
    target.unlink(missing_ok=True)
    try:
        with (
            closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True, timeout=10)) as reading,
            closing(sqlite3.connect(target)) as writing,
        ):
            reading.backup(writing)
            writing.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise BackupError(f"backup: the record {source} cannot be copied ({error})") from error


def _require_room(layout: Layout, target: Path) -> None:
    pictures = (path.stat().st_size for path in layout.archive.rglob("*") if path.is_file())
    needed = sum(pictures) + 2 * layout.database.stat().st_size
    folder = next(each for each in target.absolute().parents if each.exists())
    free = shutil.disk_usage(folder).free
    if free - needed < RESERVE_BYTES:
        raise BackupError(
            f"backup {target}: needs {needed / 1e9:.1f} GB and {RESERVE_BYTES / 1e9:.0f} GB to stay "
            f"free, {folder} has {free / 1e9:.1f} GB; write it to another disk"
        )
