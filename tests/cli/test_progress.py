"""Progress on a terminal: what is at work, how far it is, and the time left; elsewhere names, if asked."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from inspection.cli.progress import ProgressBar

WORK = """
import time
from inspection.cli.progress import ProgressBar
with ProgressBar() as progress:
    for done in range(6):
        progress("ours, 10 good, seed 0, [nuts]: Judging", done, 5)
        progress("Benchmark", done, 100)
        time.sleep(0.15)
"""
pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="NOT TESTED: a terminal of this system cannot be opened here"
)


def _on_terminal() -> str:
    import pty

    main, side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", WORK],
        stderr=side,
        env={**os.environ, "COLUMNS": "140", "TERM": "xterm", "NO_COLOR": "1",
             "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    os.close(side)
    shown = b""
    try:
        while part := os.read(main, 4096):
            shown += part
    except OSError:  # the other side was closed
        pass
    os.close(main)
    assert process.wait(20) == 0
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())


def test_a_terminal_shows_who_is_at_work_and_the_time_left() -> None:
    lines = [line for line in _on_terminal().splitlines() if "[nuts]: Judging" in line]
    assert any(re.search(r"Judging .* 60% \d:\d\d:\d\d left \d:\d\d:\d\d", line) for line in lines)
    assert not any("100%" in line for line in lines)  # what is done is no longer shown


def test_elsewhere_it_is_silent() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORK],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"", b"")


def test_elsewhere_it_names_each_work_once_if_it_is_to_speak(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ProgressBar(aloud=True) as progress:
        for work in ("Drawing", "Reading", "Drawing"):
            progress(work, 0, 2)
            progress(work, 2, 2)
    assert capsys.readouterr().err == "Drawing …\nReading …\n"
