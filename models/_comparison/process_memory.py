"""How much memory this process has needed."""

from __future__ import annotations

import sys
from pathlib import Path


def peak_memory_mb() -> float:
    """Of this process alone.

    Linux hands a parent's peak on to its child in ru_maxrss, so that of a small process begun by a
    large one would be the large one's; VmHWM starts anew (getrusage(2), proc_pid_status(5)).
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024
