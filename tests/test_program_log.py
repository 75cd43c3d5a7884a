"""What a station says on stderr: lines, each kind once a second, and nothing that is a traceback."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

from inspection.descriptors import WANTED
from inspection.program_log import Counted, OneLine, first_line

REPOSITORY = Path(__file__).parents[1]
NOISY = """
import asyncio, logging, threading, warnings, json, resource
from inspection import program_log
from inspection.descriptors import raise_limit
program_log.install()
resource.setrlimit(resource.RLIMIT_NOFILE, (512, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
told = raise_limit()
def bug(): raise ZeroDivisionError("a bug\\nof two lines")
for _ in range(3):
    thread = threading.Thread(target=bug, name="Modbus"); thread.start(); thread.join()
for _ in range(1000):
    try: bug()
    except ZeroDivisionError: logging.getLogger("pymodbus").exception("frame")
loop = asyncio.new_event_loop()
loop.call_exception_handler({"message": "accept failed", "exception": OSError("no more")})
loop.close()
warnings.warn("old")
class Odd:
    def __del__(self): bug()
odd = Odd(); del odd
print(json.dumps([told, resource.getrlimit(resource.RLIMIT_NOFILE)[0]]))
"""


def test_libraries_threads_and_warnings_are_lines_and_never_a_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NOISY], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    lines = done.stderr.splitlines()
    assert lines[0] == "threads: thread Modbus ended: ZeroDivisionError: a bug"
    assert lines[1] == "pymodbus: frame (ZeroDivisionError: a bug)"
    assert lines[2] == "asyncio: accept failed (OSError: no more)"
    assert len(lines) == 5
    assert "Traceback" not in done.stderr
    told, limit = json.loads(done.stdout)
    assert told == limit
    assert 512 < limit <= WANTED


def test_entries_of_a_kind_are_counted_not_repeated() -> None:
    now = 5.0
    counted, form = Counted(clock=lambda: now), OneLine()

    def entry(who: int) -> str | None:
        record = logging.LogRecord(f"library{who}", 30, "x.py", 1, "no. %d", (who,), None)
        return form.format(record) if counted.filter(record) else None

    assert [entry(1), entry(1), entry(2)] == ["library1: no. 1", None, "library2: no. 2"]
    assert entry(1) is None
    now = 6.0
    assert entry(1) == "library1: no. 1 (and 2 more like it)"


def test_a_line_obeys_nobody() -> None:
    assert first_line("a\x1b[31m\x00b\rc\nd") == "a?[31m?b"
    assert first_line("failed; Traceback (most recent call last):\n  File") == "failed"
