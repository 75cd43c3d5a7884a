"""Files that only the station's own account may read: written aside with mode 0600, then renamed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

MODE = 0o600


def replace_private(path: Path, content: bytes) -> None:
    """Put a file in place at once or not at all; what stood there before is gone only then."""
    with _aside(path, content) as aside:
        os.replace(aside, path)
        sync_folder(path.parent)


def make_private(path: Path, content: bytes) -> None:
    """Make a file that nobody has made yet; if another process was first, leave its file."""
    with _aside(path, content) as aside, suppress(FileExistsError):
        os.link(aside, path)
        sync_folder(path.parent)


@contextmanager
def _aside(path: Path, content: bytes) -> Iterator[Path]:
    """Write beside the place; nothing is left there in the end, whatever happens."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{token_hex(8)}")
    try:
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield aside
    finally:
        aside.unlink(missing_ok=True)


def replace_json(path: Path, content: Any) -> None:
    """Put plain data in a file, aside first: whoever reads gets the old or the new, whole."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    aside.write_text(json.dumps(content), encoding="utf-8")
    aside.replace(path)


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


def copy_file(source: Path, target: Path) -> Path:
    """Copy a file so that the target is the old or the new one, whole, whatever happens."""
    aside = target.with_name(f".{target.name}.{token_hex(4)}.part")
    try:
        with source.open("rb") as reading, aside.open("xb") as writing:
            shutil.copyfileobj(reading, writing)
            writing.flush()
            os.fsync(writing.fileno())
        aside.chmod(0o644)
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)
    return target
