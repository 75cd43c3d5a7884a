"""Which sessions there are, and which were ended before their time: kept over restarts of the page.

`sessions.json`, mode 0600, says who signed in, when, from where, and when it was last used. It opens
nothing: a session is its signed cookie. A file that cannot be read or written forgets, and the page
goes on: sessions still end by age and with a change of password.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, replace
from pathlib import Path
from threading import Lock
from typing import Annotated

from annotated_types import Len
from pydantic import TypeAdapter, ValidationError
from pydantic import dataclasses as checked

from inspection.durable_files import replace_json
from ui.security.users_file import Role

FORMAT = 1
LARGEST_BYTES = 2**22
SAVE_S = 60.0
"""Uses are written at most so often."""

log = logging.getLogger(__name__)


@checked.dataclass(frozen=True, config={"extra": "forbid"}, kw_only=True)
class Entry:
    """One session as it is remembered."""

    name: Annotated[str, Len(min_length=1)]
    role: Role
    stamp: str
    since_s: float
    used_s: float
    address: str = ""
    ended: bool = False


_ENTRIES = TypeAdapter(dict[str, Entry])


class SessionRegister:
    """Remembers sessions by their id."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._entries: dict[str, Entry] | None = None
        self._saved_s = 0.0

    def find(self, session_id: str) -> Entry | None:
        """What is known of a session."""
        with self._lock:
            return self._loaded().get(session_id)

    def entries(self) -> dict[str, Entry]:
        """All that is known."""
        with self._lock:
            return dict(self._loaded())

    def begun(self, session_id: str, entry: Entry, *, oldest_s: float) -> None:
        """Remember a new session; forget those begun before `oldest_s`."""
        with self._lock:
            known = {i: e for i, e in self._loaded().items() if e.since_s >= oldest_s}
            self._entries = {**known, session_id: entry}
            self._save(entry.used_s)

    def used(self, session_id: str, entry: Entry, now_s: float) -> None:
        """Note that a session was used; one that is not known yet becomes known."""
        with self._lock:
            entries = self._loaded()
            entries[session_id] = replace(entries.get(session_id, entry), used_s=now_s)
            if not 0 <= now_s - self._saved_s < SAVE_S:
                self._save(now_s)

    def ended(self, session_id: str, entry: Entry) -> None:
        """Note that a session was ended, also for copies of its cookie."""
        with self._lock:
            entries = self._loaded()
            entries[session_id] = replace(entries.get(session_id, entry), ended=True)
            self._save(entry.used_s)

    def _loaded(self) -> dict[str, Entry]:
        if self._entries is None:
            self._entries = self._read()
        return self._entries

    def _read(self) -> dict[str, Entry]:
        try:
            if self.path.stat().st_size > LARGEST_BYTES:
                raise ValueError("too large")
            data = json.loads(self.path.read_bytes())
            if data["format"] != FORMAT:
                raise ValueError("another format")
            return _ENTRIES.validate_python(data["sessions"])
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, RecursionError, ValidationError) as error:
            log.warning("sessions %s: cannot be read (%s)", self.path, type(error).__name__)
            return {}

    def _save(self, now_s: float) -> None:
        self._saved_s = now_s
        entries = {session_id: asdict(entry) for session_id, entry in self._loaded().items()}
        try:
            replace_json(self.path, {"format": FORMAT, "sessions": entries}, private=True)
        except OSError as error:
            log.warning("sessions %s: cannot be written (%s)", self.path, error.strerror)
