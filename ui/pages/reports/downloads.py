"""Files made for people to fetch, one at a time."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

KEPT_S = 900.0
"""A file nobody fetched is deleted after so long."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A file that waits to be fetched once."""

    path: Path
    name: str
    made_at: float


class Files:
    """Files made for one person to fetch; each has a name nobody can guess, and goes when fetched."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.making = asyncio.Lock()
        self._ready: dict[str, Ready] = {}

    def begin(self, suffix: str) -> tuple[str, Path]:
        """Make a new name and the path to write to; what was left over before is deleted."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._tidy()
        token = secrets.token_urlsafe(16)
        return token, self.folder / f"{token}{suffix}"

    def ready(self, token: str, path: Path, name: str) -> None:
        """Offer a file that is complete."""
        path.chmod(0o600)
        self._ready[token] = Ready(path, name, time.monotonic())

    def take(self, token: str) -> Ready | None:
        """Hand a file out, once; whoever takes it deletes it."""
        return self._ready.pop(token, None)

    @property
    def free_bytes(self) -> int:
        """How much room there is for another one."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return shutil.disk_usage(self.folder).free

    def _tidy(self) -> None:
        old = time.monotonic() - KEPT_S
        self._ready = {token: each for token, each in self._ready.items() if each.made_at > old}
        waiting = {each.path for each in self._ready.values()}
        for path in self.folder.iterdir():
            # What is just being fetched was written lately and is no longer ready.
            age_s = time.time() - path.stat().st_mtime if path.is_file() else 0.0
            if path not in waiting and age_s > KEPT_S:
                path.unlink(missing_ok=True)


def file_name(*words: str | None, suffix: str) -> str:
    """Make a file name of letters, digits and hyphens."""
    kept = (re.sub(r"[^A-Za-z0-9]+", "-", word or "").strip("-")[:60] for word in words)
    return "-".join(word for word in kept if word) + suffix
