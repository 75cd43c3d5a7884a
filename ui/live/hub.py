"""What every open page is told, as it happens: one stream from the station, one WebSocket a page.

A page first gets a snapshot, then each part and the station's status. When the station is silent,
every page is told at once; a page that cannot keep up is closed and comes back for a new snapshot.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from inspection.covered import covered_text
from inspection.judgement import Verdict
from inspection.local_api.messages import record_message
from inspection.reasons import OUTSIDE_YIELD
from inspection.station.station_file import StationFile
from inspection.store import PartRecord, Store
from inspection.store.event_kinds import EventKind
from inspection.store.filters import PartFilter
from inspection.store.reading.summary import counts_of, unacknowledged
from ui.live.station_client import StationClient, StationGone

log = logging.getLogger(__name__)
STRIP = 12
TREND = 100
WAITING_DAYS, MOST_WAITING = 7, 1000
"""How old a failed part may be that still waits for a person, and how many are shown to wait."""
AGAIN_S = 0.3
BEHIND = 500
DRIFT_OF, DRIFT_SHARE, DRIFT_LIMIT = 100, 0.10, 25
"""Of 100 passed parts 10 should have a p-value below 0.1; 25 or more happen by chance once in 100,000."""


class Hub:
    """Listens to the station and tells all pages; counters are of the shift, counted in the record."""

    def __init__(self, settings: StationFile, store: Store, runtime: StationClient) -> None:
        self.settings, self.store, self.runtime = settings, store, runtime
        self.strip: deque[Mapping[str, Any]] = deque(maxlen=STRIP)
        self.trend: deque[str] = deque(maxlen=TREND)
        self.status: Mapping[str, Any] | None = None
        self.shift: Counter[str] = Counter()
        self.outside_yield = 0
        self.shift_began = datetime.now(UTC)
        self.waiting: dict[str, Mapping[str, Any]] = {}
        """Failed parts nobody acknowledged yet, when the station file latches them."""
        self._numbers = 0
        self._p_values: deque[float] = deque(maxlen=DRIFT_OF)
        self._pages: set[asyncio.Queue[Mapping[str, Any] | None]] = set()

    async def run(self) -> None:
        """Listen to the station for as long as the page's server lives."""
        while True:
            try:
                await self._listen()
            except StationGone:
                pass  # told below, and tried again
            except Exception as error:  # such as a record out of reach: pages must not go on as if
                log.warning("live results: %s: %s; tried again", type(error).__name__, error)
            if self.status is not None:
                self.status = None
                self._tell({"type": "gone"})
            await asyncio.sleep(AGAIN_S)

    async def _listen(self) -> None:
        if not self._numbers:  # what is recorded is shown before, or without, a station at work
            await asyncio.to_thread(self._recall)
        async for message in self.runtime.events():
            await self._hear(message)

    def snapshot(self) -> dict[str, Any]:
        """All a page needs to begin."""
        return {
            "type": "snapshot",
            "station": self.settings.station,
            "status": self.status,
            "strip": list(self.strip),
            "trend": list(self.trend),
            **self._figures(),
        }

    async def serve(self, socket: WebSocket) -> None:
        """Tell one page everything, until it goes away."""
        await socket.accept()
        mine: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue(BEHIND)
        self._pages.add(mine)
        listening = asyncio.create_task(_until_closed(socket))
        try:
            await socket.send_json(self.snapshot())
            while not listening.done():
                message = await _next(mine)
                if message is None:
                    break
                await socket.send_json(message)
        except (WebSocketDisconnect, RuntimeError):
            pass  # the page went away while it was told
        finally:
            self._pages.discard(mine)
            listening.cancel()
            with suppress(Exception):
                await socket.close()

    @property
    def connections(self) -> int:
        """How many pages are open."""
        return len(self._pages)

    async def acknowledged(self, part_id: str, reason: str) -> None:
        """Tell all pages that a person saw a rejected part, and why it was rejected."""
        self.waiting.pop(part_id, None)
        self._mark(part_id, reason)
        seen = {"part_id": part_id, "reason": reason}
        self._tell({"type": "figures", "acknowledged": seen, **self._figures()})

    def _mark(self, part_id: str, reason: str) -> None:
        for place, part in enumerate(self.strip):
            if part["part_id"] == part_id:
                self.strip[place] = {**part, "acknowledged": reason}

    async def _hear(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "status":
            message = {**message, **_covered(message)}
            if self.status is None:  # parts may have been missed meanwhile
                await asyncio.to_thread(self._recall)
                self.status = message
                self._tell(self.snapshot())
                return
            self.status = message
            self._tell({**message, "beat": True})
            self._new_shift()
        elif message["number"] > self._numbers:
            self._count(message)
            self._tell({**message, **self._figures()})

    def _count(self, message: Mapping[str, Any]) -> None:
        self._numbers = message["number"]
        self.strip.append(message)
        if message["cause"]["code"] in OUTSIDE_YIELD:
            self.outside_yield += 1
            return
        self.shift[message["verdict"]] += 1
        self.trend.append(message["verdict"])
        if message["verdict"] == Verdict.PASS.value:
            self._p_values.append(message["p_value"])
        elif self.settings.latch_fail and message["verdict"] == Verdict.FAIL.value:
            self.waiting[message["part_id"]] = message

    def _figures(self) -> dict[str, Any]:
        inspected = sum(self.shift.values())
        passed = self.shift[Verdict.PASS.value]
        low = sum(p < DRIFT_SHARE for p in self._p_values)
        return {
            "shift": {
                "began": self.shift_began.isoformat(),
                "inspected": inspected,
                "rejected": inspected - passed,
                "verdicts": dict(self.shift),
                "outside_yield": self.outside_yield,
                "first_pass_yield": passed / inspected if inspected else None,
            },
            "waiting": list(self.waiting.values())[:STRIP],
            "waiting_count": len(self.waiting),
            "drift": {"low": low, "of": len(self._p_values), "limit": DRIFT_LIMIT},
        }

    def _new_shift(self) -> None:
        began = shift_start(self.settings.shifts, datetime.now().astimezone())
        if began > self.shift_began:
            self.shift_began = began
            self.shift.clear()
            self.outside_yield = 0
            self._tell({"type": "figures", **self._figures()})

    def _recall(self) -> None:
        """Read from the record what a page shows: this shift's counts, the latest parts."""
        self.shift_began = shift_start(self.settings.shifts, datetime.now().astimezone())
        latest = self.store.parts(PartFilter(station=self.settings.station), limit=TREND)
        since_shift = PartFilter(station=self.settings.station, since=self.shift_began)
        found = counts_of(self.store, since_shift)
        self.outside_yield = found.outside_yield
        self.shift = Counter({verdict.value: n for verdict, n in found.verdicts.items() if n})
        self._numbers = latest[0].number if latest else 0
        late = self._late_messages(latest)
        self.strip.clear()
        self.trend.clear()
        self._p_values.clear()
        for record in reversed(latest):
            part = record_message(record) | late.get(record.part_id, {})
            self.strip.append(part)
            if part["cause"]["code"] not in OUTSIDE_YIELD:
                self.trend.append(part["verdict"])
            if part["verdict"] == Verdict.PASS.value and record.p_value is not None:
                self._p_values.append(record.p_value)
        for shown in list(self.strip):
            for event in self.store.events(shown["part_id"]):
                if event.kind == EventKind.ACKNOWLEDGE:
                    self._mark(shown["part_id"], event.detail.get("reason", "other"))
        if self.settings.latch_fail:
            self._recall_waiting()

    def _late_messages(self, latest: list[PartRecord]) -> dict[str, dict[str, Any]]:
        """What the line was told of parts recorded too late to pass, counted so in the shift."""
        since = min([self.shift_began, *(record.judged_at for record in latest)])
        rejected = Verdict.CANNOT_INSPECT.value
        late = {}
        for event in self.store.events_of(EventKind.ANSWER, since=since):
            if (reason := event.line_reject) is None:
                continue
            late[event.part_id] = {
                "verdict": rejected,
                "reason": reason.sentence,
                "cause": reason.as_message(),
            }
            if event.at >= self.shift_began:
                self.shift[Verdict.PASS.value] -= 1
                self.shift[rejected] += 1
        return late

    def _recall_waiting(self) -> None:
        since = datetime.now(UTC) - timedelta(days=WAITING_DAYS)
        failed = unacknowledged(
            self.store, station=self.settings.station, since=since, limit=MOST_WAITING
        )
        self.waiting = {record.part_id: record_message(record) for record in reversed(failed)}

    def _tell(self, message: Mapping[str, Any]) -> None:
        for page in list(self._pages):
            try:
                page.put_nowait(message)
            except asyncio.QueueFull:
                self._pages.discard(page)
                while not page.empty():
                    page.get_nowait()
                page.put_nowait(None)


def shift_start(shifts: tuple[str, ...], now: datetime) -> datetime:
    """When the present shift began; `shifts` are local times such as 06:00, at least one."""
    starts = [
        (now - timedelta(days=days)).replace(
            hour=int(shift[:2]), minute=int(shift[3:]), second=0, microsecond=0
        )
        for days in (0, 1)
        for shift in shifts
    ]
    return max(start for start in starts if start <= now).astimezone(UTC)


def _covered(status: Mapping[str, Any]) -> dict[str, Any]:
    """Cover what the addresses in error texts may hold: who signs in with which password."""
    outputs = {name: covered_text(text) for name, text in status["outputs"].items()}
    return {"error": covered_text(status["error"]), "outputs": outputs}


async def _next(mine: asyncio.Queue[Mapping[str, Any] | None]) -> Mapping[str, Any] | None:
    """The next message; without any, a beat, so that the page knows its server lives."""
    try:
        return await asyncio.wait_for(mine.get(), 0.5)
    except TimeoutError:
        return {"type": "beat", "at_ms": 1e3 * time.time()}


async def _until_closed(socket: WebSocket) -> None:
    with suppress(Exception):
        while True:
            await socket.receive_text()
