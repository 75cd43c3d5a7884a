"""Files that are written whole or not at all, and outlive a power cut once they are there.

Each is written beside its place under a name of its own, flushed to the disk, renamed, and then its
folder is flushed. Whoever reads gets the old file or the new one. A writer that fails leaves neither
a half file nor a spare one; only a killed process leaves `.NAME.….part`, which nothing reads.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

PRIVATE, USUAL = 0o600, 0o666
"""Modes of a new file: for the station's own account only, or what the account's umask allows."""


def replace_file(path: Path, content: bytes, *, private: bool = False, sync: bool = True) -> None:
    """Put a file in place; one that stood there before is gone only then. Raises OSError.

    `sync=False` spares the disk where the file may be lost in a power cut; it is whole all the same.
    """
    with replacing(path, private=private, sync=sync) as aside:
        aside.write_bytes(content)


def replace_json(
    path: Path,
    content: Any,
    *,
    private: bool = False,
    sync: bool = True,
    indent: int | None = None,
) -> None:
    """Put plain data in a file, as `replace_file` does."""
    data = json.dumps(content, ensure_ascii=False, indent=indent).encode()
    replace_file(path, data, private=private, sync=sync)


def new_file(path: Path, content: bytes, *, private: bool = False) -> None:
    """Make a file that nobody has made yet; if another process was first, its file stays."""
    with _written_aside(path, private=private, sync=True) as aside:
        aside.write_bytes(content)
        _sync_file(aside)
        with suppress(FileExistsError):
            os.link(aside, path)
        sync_folder(path.parent)


def copy_file(source: Path, target: Path, *, private: bool = False, sync: bool = True) -> Path:
    """Copy a file in place, as `replace_file` does; returns the target."""
    with (
        source.open("rb") as reading,
        replacing(target, private=private, sync=sync) as aside,
        aside.open("wb") as writing,
    ):
        shutil.copyfileobj(reading, writing)
    return target


@contextmanager
def replacing(path: Path, *, private: bool = False, sync: bool = True) -> Iterator[Path]:
    """Lend an empty file to write, or write anew, in the body; at its end it gets the name `path`.

    The body closes what it opened. Where it raises, what stood at `path` stays. Raises OSError.
    """
    with _written_aside(path, private=private, sync=sync) as aside:
        yield aside
        if sync:
            _sync_file(aside)
        os.replace(aside, path)
        if sync:
            sync_folder(path.parent)


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
    except OSError as error:
        # Some network shares know no fsync of a folder; they keep names in order by themselves.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Fsync a folder and all that is in it: to do before it gets its name."""
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
        else:
            _sync_file(path)
    sync_folder(folder)


@contextmanager
def _written_aside(path: Path, *, private: bool, sync: bool) -> Iterator[Path]:
    """Lend a new file beside the place; nothing is left there in the end, whatever happens."""
    if sync:
        make_folder(path.parent)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{token_hex(8)}.part")
    try:
        os.close(
            os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE if private else USUAL)
        )
        yield aside
    finally:
        aside.unlink(missing_ok=True)


def _sync_file(path: Path) -> None:
    # Windows flushes only what may be written; elsewhere the file may be one nobody may write.
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
