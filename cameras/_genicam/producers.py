"""GenTL producers in use: a process may load one only once, so its cameras share it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

_lock = threading.Lock()
_loaded: dict[str, tuple[Any, int]] = {}
"""Each producer's harvester, and how many cameras use it."""


def installed_producers() -> list[str]:
    """The .cti files in the folders of GENICAM_GENTL64_PATH, where makers' installers put them.

    Source: GenTL 1.5, 2015, section 3.2.
    """
    folders = os.environ.get("GENICAM_GENTL64_PATH", "").split(os.pathsep)
    return [str(file) for each in folders if each for file in sorted(Path(each).glob("*.cti"))]


def borrow(producer: str, make: Callable[[], Any]) -> Any:
    """The harvester that has loaded this producer (.cti file), made for its first camera."""
    with _lock:
        harvester, users = _loaded.get(producer, (None, 0))
        if harvester is None:
            harvester = make()
            harvester.add_file(producer)
            harvester.update()  # later it would end the acquisition of the cameras in use
        _loaded[producer] = (harvester, users + 1)
        return harvester


def give_back(producer: str) -> None:
    """Have one user less; after the last one the producer is unloaded."""
    with _lock:
        harvester, users = _loaded.pop(producer)
        if users > 1:
            _loaded[producer] = (harvester, users - 1)
        else:
            harvester.reset()


def broken_buffers(callback: type) -> Any:
    """Make the callback, of harvesters' class, that counts the buffers which came broken."""

    class BrokenBuffers(callback):  # type: ignore[misc]
        count = 0

        def emit(self, context: object | None = None) -> None:
            self.count += 1

    return BrokenBuffers()
