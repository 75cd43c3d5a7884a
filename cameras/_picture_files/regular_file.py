"""Read a file that others name: a plain file and no larger than anything of its kind."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read_regular(path: Path, *, most_bytes: int) -> bytes:
    """Read a whole file; nothing is read of a pipe or device, which might never end.

    Raises OSError, and ValueError whose text follows the file's name in a message.
    """
    # A pipe nobody writes to would keep us here without it.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if stat.S_ISDIR(found.st_mode):
            raise ValueError("is a folder; give one file")
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("is a pipe or device, not a file")
        if found.st_size > most_bytes:
            raise ValueError(
                f"is too large: {found.st_size} bytes; the limit is {most_bytes} bytes"
            )
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise ValueError(f"is too large: it grew beyond {most_bytes} bytes while it was read")
    return data
