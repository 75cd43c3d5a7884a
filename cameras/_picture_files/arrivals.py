"""Which files that arrive in a folder are whole: their size rests, or their sentinel is there.

The folder is listed again and again instead of asking the system for events, because a network
share gives none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cameras._picture_files.reading import list_images

Signature = tuple[int, int]


@dataclass(slots=True)
class _Arriving:
    signature: Signature
    since_s: float
    order: int


class Arrivals:
    """The files of a folder that have arrived since it was made, each given once.

    A file is given when its size and time have not changed for `stable_s`, or, with a
    `sentinel_suffix`, when `NAME.jpg.SUFFIX` or `NAME.SUFFIX` lies beside it. A file written anew
    under an old name is a new arrival. With `skip_old` the files already there are not given.
    """

    def __init__(
        self,
        folder: str | Path,
        matches: Callable[[str], bool],
        *,
        stable_s: float,
        sentinel_suffix: str | None,
        skip_old: bool,
    ) -> None:
        self.folder, self.matches = folder, matches
        self.stable_s, self.sentinel_suffix = stable_s, sentinel_suffix
        self._order = 0
        self._waiting: dict[Path, _Arriving] = {}
        self._given: dict[Path, Signature] = {}
        present = self._listed()
        if skip_old:
            self._given = present

    def next(self, now_s: float) -> Path | None:
        """The whole file that arrived first and was not returned yet, or None.

        `now_s` is by the monotonic clock. Raises CameraUnavailable.
        """
        present = self._listed()
        self._given = {
            path: sign for path, sign in self._given.items() if present.get(path) == sign
        }
        self._waiting = {path: seen for path, seen in self._waiting.items() if path in present}
        for path, signature in present.items():
            if path not in self._given:
                self._watch(path, signature, now_s)
        ready = [path for path, seen in self._waiting.items() if self._whole(path, seen, now_s)]
        if not ready:
            return None
        first = min(ready, key=lambda path: self._waiting[path].order)
        self._given[first] = self._waiting.pop(first).signature
        return first

    def sentinels(self, path: Path) -> list[Path]:
        """The sentinel files that stand beside a picture."""
        if self.sentinel_suffix is None:
            return []
        names = (path.name + self.sentinel_suffix, path.stem + self.sentinel_suffix)
        return [beside for name in names if (beside := path.with_name(name)).exists()]

    def _listed(self) -> dict[Path, Signature]:
        files: dict[Path, Signature] = {}
        for path in list_images(self.folder):
            if self.matches(path.name) and (signature := _signature(path)) is not None:
                files[path] = signature
        return files

    def _watch(self, path: Path, signature: Signature, now_s: float) -> None:
        seen = self._waiting.get(path)
        if seen is None:
            self._waiting[path] = _Arriving(signature, now_s, self._order)
            self._order += 1
        elif seen.signature != signature:
            seen.signature, seen.since_s = signature, now_s

    def _whole(self, path: Path, seen: _Arriving, now_s: float) -> bool:
        if self.sentinel_suffix is not None:
            return bool(self.sentinels(path))
        return now_s - seen.since_s >= self.stable_s


def _signature(path: Path) -> Signature | None:
    """Size in bytes and time in ns of a file, or None if it has just gone."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns
