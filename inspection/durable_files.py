"""Files that only the station's own account may read: written aside with mode 0600, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from inspection.store.pictures.archive import sync_folder

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
