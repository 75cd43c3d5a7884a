"""A job's own process: it goes behind inspecting, and ends at its time limit.

`python -m inspection.jobs.process KIND LIMIT_S FOLDER [WORD…]`, as `Jobs` starts it. What a job is
asked to do comes as JSON on standard input: a record's address may hold a password.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from types import FrameType

from inspection.jobs.kinds import KINDS
from inspection.jobs.status_file import end_late

NICENESS = 10
"""Of a job, whatever the page has; a page that is nicer than this keeps its own."""
ENDED = "\nit ended with the page that had started it; start it again\n"


class TimeLimit(BaseException):
    """A job's time is over; like Ctrl-C it passes every `except Exception`."""


def main() -> None:
    """Do the work of the command line."""
    name, limit_s, folder, *words = sys.argv[1:]
    kind = KINDS[name]
    go_behind()
    # Ctrl-C works even where a shell had it ignored for the page.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if (Path(folder) / "cancelled").exists():  # before it listened
        sys.exit(1)
    signal.signal(signal.SIGALRM, _over)
    if not kind.detached:
        threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    sys.argv = [name, *words]
    try:
        signal.setitimer(signal.ITIMER_REAL, float(limit_s))
        import_module(kind.module).main()
    except TimeLimit:
        end_late(Path(folder), float(limit_s))
        sys.exit(1)


def go_behind() -> None:
    """Run at NICENESS, and at the page's own where that is more."""
    os.nice(max(0, NICENESS - os.nice(0)))


def _over(number: int, frame: FrameType | None) -> None:
    raise TimeLimit


def _end_with(parent: int) -> None:
    """End as soon as the page that asked is gone; the last word says so."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os.write(2, ENDED.encode())
    os._exit(1)


if __name__ == "__main__":
    main()
