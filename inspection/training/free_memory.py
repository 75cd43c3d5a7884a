"""How much memory programs can still take here: by the system, and by the group this process is in.

A container, or a service with MemoryMax, may have less than the machine: control groups of Linux (cgroups(7)),
of both versions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

ROOT, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
UNLIMITED = 1 << 60
"""Bytes from which on a limit is none."""

_NAMES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Of each version: limit, what is used, and what of that is only read-in files."""


def free_memory_mb(root: Path = ROOT, own: Path = OWN) -> int:
    """The least of both in MB; the system's with its swap."""
    system = psutil.virtual_memory().available + psutil.swap_memory().free
    return int(min([system, *_groups(root, own)]) / 2**20)


def _groups(root: Path, own: Path) -> Iterator[int]:
    """What each group of this process that has a limit leaves free, in bytes."""
    with suppress(OSError):
        for line in own.read_text("utf-8").splitlines():
            _, kinds, path = line.split(":", 2)
            base = root / "memory" if "memory" in kinds.split(",") else root
            inside = Path(path.lstrip("/"))
            for group in {base / inside, *(base / each for each in inside.parents), base}:
                for names in _NAMES:
                    with suppress(OSError, ValueError):
                        yield _left(group, *names)


def _left(group: Path, limit: str, used: str, files: str) -> int:
    """Raises OSError where there is no such group, ValueError where it has no limit."""
    most = int((group / limit).read_text("ascii"))  # "max" is no number
    if most >= UNLIMITED:
        raise ValueError
    stat = dict(line.split(" ", 1) for line in (group / "memory.stat").read_text().splitlines())
    return max(0, most - int((group / used).read_text("ascii")) + int(stat.get(files, 0)))
