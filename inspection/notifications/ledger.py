"""What was told and what waits to be sent, in a file of the page folder, so that no restart forgets it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from inspection.durable_files import replace_json
from inspection.outside import Refused, read_file, read_json
from inspection.plant.notices import Notice

NAME, FORMAT = "notify.json", 1
MOST_BYTES = 1 << 20
MOST_WAITING = 50
"""Notices that wait for one way; the oldest goes."""

log = logging.getLogger(__name__)


class Ledger:
    """Any thread may ask; a file that cannot be written is logged, and told of by `fault`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.fault = ""
        self._lock = threading.Lock()
        self._told: dict[str, str] = {}
        self._waiting: dict[str, list[Notice]] = {}
        self._problems: dict[str, str] = {}

    def begin(self, ways: Iterable[str]) -> bool:
        """Read what an earlier run left, and note that this one began; whether that one ended unsaid."""
        content = read_ledger(self.path)
        self._told = {str(key): str(value) for key, value in content.get("told", {}).items()}
        waiting = content.get("waiting", {})
        self._waiting = {way: [_notice(each) for each in waiting.get(way, [])] for way in ways}
        self._keep(at_work=True)
        return bool(content.get("at_work"))

    def end(self) -> None:
        """Note that this run ends as it should, or said why it does not."""
        self._keep(at_work=False)

    def due(self, event: str, now: datetime, again: timedelta) -> bool:
        """Whether an event was not told for so long; a time that is yet to come was of a wrong clock."""
        told = self._told.get(event)
        return told is None or not timedelta(0) <= now - datetime.fromisoformat(told) < again

    def put(self, notice: Notice) -> None:
        """Let a notice wait for every way."""
        with self._lock:
            self._told[notice.event] = notice.at.isoformat()
            for waiting in self._waiting.values():
                waiting.append(notice)
                del waiting[:-MOST_WAITING]
        self._keep()

    def first(self, way: str) -> Notice | None:
        """The notice that waits longest."""
        with self._lock:
            return next(iter(self._waiting[way]), None)

    def done(self, way: str, notice: Notice) -> None:
        """It was taken, or is given up."""
        with self._lock:
            self._waiting[way] = [e for e in self._waiting[way] if e.notice_id != notice.notice_id]
        self._keep()

    def problem(self, way: str, text: str) -> None:
        """Note why a way took nothing, empty once it does."""
        with self._lock:
            news = self._problems.get(way, "") != text
            self._problems[way] = text
        if news:
            self._keep()

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong with each way now."""
        with self._lock:
            return {way: text for way, text in self._problems.items() if text}

    _at_work = True

    def _keep(self, *, at_work: bool | None = None) -> None:
        with self._lock:
            self._at_work = self._at_work if at_work is None else at_work
            content = {
                "format": FORMAT,
                "at_work": self._at_work,
                "told": self._told,
                "waiting": {
                    way: [asdict(each) | {"at": each.at.isoformat()} for each in waiting]
                    for way, waiting in self._waiting.items()
                },
                "problems": self._problems,
            }
            try:
                replace_json(self.path, content, private=True)
                self.fault = ""
            except OSError as error:
                self.fault = f"{self.path}: cannot be written ({error.strerror or error})"
                log.warning("%s", self.fault)


def read_ledger(path: Path) -> dict[str, Any]:
    """What stands in the file; nothing where there is none, or it is damaged."""
    try:
        content = read_json(read_file(path, most_bytes=MOST_BYTES), most_bytes=MOST_BYTES)
        for each in (one for waiting in content["waiting"].values() for one in waiting):
            _notice(each)
        for moment in content["told"].values():
            if datetime.fromisoformat(moment).tzinfo is None:
                raise ValueError(f"a time without its zone: {moment}")
        return dict(content)
    except FileNotFoundError:
        return {}
    except (OSError, Refused, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s: damaged (%s); notifications begin anew", path, error)
        return {}


def _notice(content: dict[str, Any]) -> Notice:
    at = datetime.fromisoformat(content["at"]).astimezone(UTC)
    texts = ("notice_id", "event", "station", "title", "text")
    return Notice(at=at, **{name: str(content[name]) for name in texts})
