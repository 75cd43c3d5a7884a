"""Who paused the station and when, beside the record: a station that starts again stays paused."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from inspection.durable_files import replace_json

FILE, FORMAT = "paused.json", 1
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """Who paused, and when (ISO 8601)."""

    who: str
    at: str


def paused_now(who: str) -> Paused:
    """Say that somebody pauses now."""
    return Paused(who=who, at=datetime.now(UTC).isoformat(timespec="seconds"))


def read(folder: Path) -> Paused | None:
    """Read who paused, None if nobody did; a file that cannot be read is a pause by nobody known."""
    path = folder / FILE
    try:
        told = json.loads(path.read_text("utf-8"))
        return Paused(who=str(told["who"]), at=str(told["at"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError):
        return Paused(who=UNKNOWN, at=UNKNOWN)


def write(folder: Path, paused: Paused) -> None:
    """Keep it; where the folder cannot be written, the pause ends with the process."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_json(folder / FILE, {"format": FORMAT, **asdict(paused)}, private=True)


def remove(folder: Path) -> None:
    """Forget it; where the folder cannot be written, the next start is paused once more."""
    with suppress(OSError):
        (folder / FILE).unlink(missing_ok=True)
