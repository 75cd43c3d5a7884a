"""A notice to a person, and what sends one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from inspection.errors import InspectionError

LONGEST = 2000


class NoticeError(InspectionError):
    """A notice was not taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What needs a person: `title` is one line, `text` what to do and the details."""

    notice_id: str
    event: str
    station: str
    at: datetime
    title: str
    text: str

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError(f"Notice.at: expected a time with its zone, got {self.at!r}")

    def as_json(self) -> dict[str, Any]:
        """The notice as plain data; `text` begins with its title, as chat programs show it."""
        return {
            "notice_id": self.notice_id,
            "event": self.event,
            "station": self.station,
            "at": self.at.isoformat(),
            "title": self.title,
            "text": f"{self.title}\n{self.text}",
        }


class Notifier(Protocol):
    """Sends notices; made of the keys of its table."""

    def send(self, notice: Notice) -> None:
        """Send one and return when it is taken. Raises NoticeError without any secret in its text."""


def secret_of(path: Path | None, what: str) -> str:
    """The one line of a file, empty without one. Raises NoticeError."""
    if path is None:
        return ""
    try:
        found = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "is no text"
        raise NoticeError(f"{what} {path}: cannot be read ({reason})") from error
    if not found:
        raise NoticeError(f"{what} {path}: is empty")
    return found
