"""How much memory a process takes from the system for what it needs."""

from __future__ import annotations

import ctypes
from contextlib import suppress

M_ARENA_MAX = -8
"""glibc's number for it, from malloc.h."""


def share_one_arena() -> None:
    """Let all threads allocate from one arena, where the C library is glibc: nothing happens elsewhere.

    Each thread has its own otherwise, and each keeps what it once needed: of large pictures, some
    hundred megabytes.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
