"""Looks at a station's troubles every two seconds, and tells people of them.

A trouble is told once it was seen twice in a row, and again no sooner than the station file says. Each way
has a thread that sends; inspecting waits for none of them, and none can end it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any
from uuid import uuid4

from inspection.covered import covered_text
from inspection.errors import expected
from inspection.notifications.ledger import Ledger
from inspection.outside import in_words
from inspection.plant.notices import Notice, NoticeError, Notifier, notifier_class
from inspection.plant.notices.base import LONGEST
from inspection.station.build import make_component
from inspection.station.notify_settings import NotifySettings
from inspection.station.station_file import StationFile
from inspection.station.troubles import Trouble, troubles
from inspection.words import Words

LOOK_EVERY_S = 2.0
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 300.0
GIVEN_UP = timedelta(hours=24)
END_S = 5.0
"""So long the end of a station is held up for what it says of its end."""

log = logging.getLogger(__name__)
Status = Callable[[], Mapping[str, Any]]


class Notifications:
    """Tells people what a station's file asks for; entered before the station, left after it."""

    def __init__(self, settings: StationFile) -> None:
        self.settings = settings
        self.notify = settings.notify or NotifySettings()
        self.ledger = Ledger(settings.page_folder)
        self._couriers = [self._courier(name) for name in self.notify.ways]
        self._over = threading.Event()
        self._watching: threading.Thread | None = None
        self._seen: frozenset[str] = frozenset()

    @property
    def problem(self) -> str:
        """What is wrong with sending, empty for nothing."""
        return self.ledger.fault or next(iter(self.ledger.problems.values()), "")

    def __enter__(self) -> Notifications:
        if self._couriers:
            ended = self.ledger.begin(courier.way for courier in self._couriers)
            for courier in self._couriers:
                courier.start()
            if ended:
                self._tell([Trouble(name="ended")])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._watching is not None:
            self._watching.join(END_S)
        if not self._couriers:
            return
        if isinstance(error, Exception):
            text = str(error) if expected(error) else f"{type(error).__name__}: {error}"
            self._tell([Trouble(name="stopped", detail=text)])
        self.ledger.end()
        limit = time.monotonic() + END_S
        for courier in self._couriers:
            courier.stop(limit - time.monotonic())

    def watch(self, status: Status) -> None:
        """Look at the troubles of a station at work until it ends."""
        if self._couriers:
            self._watching = threading.Thread(
                target=self._watch, args=(status,), name="notifications", daemon=True
            )
            self._watching.start()

    def _courier(self, way: str) -> Courier:
        table = dict(self.notify.ways[way])
        where, home = f"notify.{way}", self.settings.home
        return Courier(way, make_component(notifier_class(way), table, where, home), self.ledger)

    def _watch(self, status: Status) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            try:
                self.look(status())
            except Exception as error:  # inspecting goes on without it
                log.warning("notifications: not looked: %s", in_words(error))

    def look(self, status: Mapping[str, Any]) -> None:
        """Tell what was there at the last look, too."""
        found = troubles(status)
        self._tell([each for each in found if each.name in self._seen])
        self._seen = frozenset(each.name for each in found)

    def _tell(self, found: list[Trouble]) -> None:
        now = datetime.now(UTC)
        again = timedelta(hours=self.notify.again_after_h)
        for trouble in found:
            if trouble.name in self.notify.events and self.ledger.due(trouble.name, now, again):
                self.ledger.put(
                    notice_of(trouble, self.settings.station, self.notify.language, now)
                )
        for courier in self._couriers:
            courier.wake()


class Courier:
    """A thread that sends what waits for one way, in order, trying again after longer and longer."""

    def __init__(self, way: str, notifier: Notifier, ledger: Ledger) -> None:
        self.way, self.notifier, self.ledger = way, notifier, ledger
        self._over, self._news = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"notify {way}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something to send."""
        self._news.set()

    def stop(self, timeout_s: float) -> None:
        """Send what can be sent at once, and end; what is left waits for the next start."""
        self._over.set()
        self._news.set()
        self._thread.join(max(0.0, timeout_s))

    def _run(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            ending = self._over.is_set()
            if self._send_waiting():
                wait_s = FIRST_WAIT_S
                if ending:
                    return
                self._news.wait()
                self._news.clear()
            elif ending:
                return
            else:
                self._over.wait(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _send_waiting(self) -> bool:
        """Whether nothing waits any more."""
        while (notice := self.ledger.first(self.way)) is not None:
            try:
                self.notifier.send(notice)
            except Exception as error:  # whatever it is, the notice waits and is sent again
                known = isinstance(error, NoticeError)
                text = covered_text(str(error)) if known else type(error).__name__
                self.ledger.problem(self.way, text)
                log.warning("%s", text)
                if datetime.now(UTC) - notice.at < GIVEN_UP:
                    return False
            else:
                self.ledger.problem(self.way, "")
            self.ledger.done(self.way, notice)
        return True


def notice_of(trouble: Trouble, station: str, language: str, at: datetime) -> Notice:
    """Say a trouble in a language: what it is, what to do, when, and the details."""
    words, values = Words(), {key: _written(value) for key, value in trouble.values.items()}
    title = words.say(f"troubles.{trouble.name}", language, **values)
    lines = [
        words.say(f"troubles.act_{trouble.name}", language, **values),
        "",
        f"{station}, {at.astimezone():%Y-%m-%d %H:%M:%S %z}",
        covered_text(trouble.detail),
    ]
    return Notice(
        notice_id=uuid4().hex,
        event=trouble.name,
        station=station,
        at=at,
        title=" ".join(f"{station}: {title}".split())[:200],
        text="\n".join(lines).strip()[:LONGEST],
    )


def _written(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
