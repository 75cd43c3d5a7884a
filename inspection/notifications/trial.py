"""A notification sent to try a way, in a process of its own (`own_process`): what is tried may hang."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inspection.notifications.watch import notice_of
from inspection.plant.notices import notifier_class
from inspection.station.build import make_component
from inspection.station.station_file import read_station
from inspection.station.troubles import Trouble


def send_test(
    path: str, name: str, settings: Mapping[str, Any], who: str, language: str
) -> dict[str, Any]:
    """Send a notice marked as a test by a way with these settings. Raises SetupError, NoticeError."""
    station = read_station(Path(path))
    way = make_component(notifier_class(name), dict(settings), f"notify.{name}", station.home)
    trouble = Trouble(name="test", values={"who": who})
    notice = notice_of(trouble, station.station, language, datetime.now(UTC))
    way.send(notice)
    return {"notice_id": notice.notice_id}
