"""How much memory a process takes from the system for what it needs."""

from __future__ import annotations

import ctypes
from contextlib import suppress

M_ARENA_MAX, M_MMAP_THRESHOLD = -8, -3
"""glibc's numbers for them, from malloc.h."""

ALONE_BYTES = 4 * 2**20
"""Of an array that is large enough to have pages of its own."""


def share_one_arena() -> None:
    """Let all threads allocate from one arena, where the C library is glibc: nothing happens elsewhere.

    Each thread has its own otherwise, and each keeps what it once needed: of large pictures, some
    hundred megabytes.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def give_back_at_once(canvas_bytes: int) -> None:
    """Give memory of large pictures back as soon as it is let go of, where the C library is glibc.

    It keeps arrays of up to 32 MB among small ones otherwise, and what lies between is never given back.
    Fresh pages cost a little each time, so nothing happens where a canvas has less than ALONE_BYTES.
    """
    if canvas_bytes < ALONE_BYTES:
        return
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, ALONE_BYTES)
        library.malloc_trim(0)
