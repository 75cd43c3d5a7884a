"""`runtime.json` in the page's folder: a station at work, and how to reach it.

A kill leaves the file behind, and another program may then have its process number or its port:
who reads it asks `at_work`.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from inspection.durable_files import replace_file, replace_json

NAME = "runtime.json"
SAME_S = 1.0
"""By how much the start of one and the same process may be told differently."""


def write(folder: Path, *, port: int, token: str) -> None:
    """Say that this process is at work. Raises OSError."""
    pid = os.getpid()
    told = {"port": port, "token": token, "pid": pid, "started": _started(pid)}
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace_json(folder / NAME, told, private=True)


def at_work(folder: Path) -> Mapping[str, Any] | None:
    """Read what the station wrote into the file, None if its process does not run."""
    try:
        told: dict[str, Any] = json.loads((folder / NAME).read_text("utf-8"))
        same = abs(_started(int(told["pid"])) - float(told["started"])) < SAME_S
        return told if same and listens("127.0.0.1", int(told["port"])) else None
    except (OSError, ValueError, TypeError, KeyError, OverflowError, psutil.Error):
        return None


def problem(folder: Path) -> str | None:
    """Say why a station could not write its file here, or None."""
    try:
        replace_file(folder / ".probe", b"", private=True)
        (folder / ".probe").unlink(missing_ok=True)
    except OSError as error:
        return str(error)
    return None


def listens(host: str, port: int) -> bool:
    """Whether anything listens there."""
    where = "127.0.0.1" if host in ("0.0.0.0", "") else "::1" if host == "::" else host  # noqa: S104
    with suppress(OSError), socket.create_connection((where, port), timeout=0.5):
        return True
    return False


def _started(pid: int) -> float:
    return float(psutil.Process(pid).create_time())
