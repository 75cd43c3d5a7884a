"""From a trigger to its pictures, or from a picture to its trigger."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import TIMEOUT_MAX

from cameras import CameraError, CameraLost, CameraTimeout, EndOfStream, Frame
from cameras._attempt import Attempt
from inspection.errors import CannotInspect
from inspection.judging.multi_view import side_by_side
from inspection.plant.messages import TriggerRequest
from inspection.station.alarms import CAMERA, Alarms
from inspection.station.camera_view import CameraView, remaining_s
from inspection.station.part import Part

REVIVE_S, PAUSE_S = 0.5, 0.05
LAG_S = 0.5
"""A picture comes at most so much later than its trigger is told."""
OVERDUE_S = 1.0
"""How much longer than allowed a call of a driver may take before it counts as hanging."""

Decide = Callable[[Part, str], None]
Take = Callable[[TriggerRequest, float], Part | None]
"""Takes a picture's own trigger, and when its picture was there (monotonic clock)."""


class Acquirer:
    """Reads the cameras, those of one part at the same time; `shown` gets each part with its pictures."""

    def __init__(
        self,
        views: list[CameraView],
        alarms: Alarms,
        *,
        decide: Decide,
        shown: Callable[[Part], None],
        ended: Callable[[BaseException], None],
        over: threading.Event,
        between: Callable[[Acquirer], None] = lambda acquirer: None,
        paused: Callable[[], bool] = lambda: False,
        seen: Callable[[Frame], None] = lambda frame: None,
    ) -> None:
        self.views, self.alarms = views, alarms
        self._decide, self._shown, self._ended, self._over = decide, shown, ended, over
        self._between, self._paused, self._seen = between, paused, seen
        self._behind, self._fresh = threading.Event(), 0.0
        self._away = ""
        """Why a camera that queues pictures is not back yet."""

    def take_pictures(self, inbox: queue.Queue[Part]) -> None:
        """Take the pictures of each triggered part, until the station is over."""
        while not self._over.is_set():
            part = next_of(inbox)
            if part is None or part.claimed:
                self._between(self)
            if self._must_resynchronise(part):
                self.resynchronise()
            if part is None:
                self._revive()
                continue
            if part.claimed:
                self._skip(part)
                continue
            if part.marks["taken"] < self._fresh:
                self._reject_dropped(part)
                continue
            part.mark("wait")
            try:
                self._read(part)
            except EndOfStream as error:
                self._decide(part, str(error))
                self._ended(error)
            except CameraTimeout as error:
                self._skip(part)
                self._decide(part, f"no picture in time: {error}")
            except CameraError as error:
                self._skip(part)
                self.alarms.set(CAMERA, str(error))
                self._decide(part, f"no picture: {error}")
                if any(view.camera.state == "FAULT" for view in self.views):
                    self._ended(error)
            except CannotInspect as error:
                self._skip(part)
                self._decide(part, str(error))
            else:
                self.alarms.clear(CAMERA)
                self._show(part)

    def follow(self, take: Take, stopping: threading.Event) -> None:
        """Make a part of each picture the camera gives: its own trigger, or a folder it watches."""
        (view,) = self.views
        unreadable = 0  # since the last good picture, which counts them as missed once more
        while not self._over.is_set() and not stopping.is_set():
            self._between(self)
            try:
                frame = view.next(timeout_s=0.5)
            except CameraTimeout:  # it is there, and no part came
                self.alarms.clear(CAMERA)
                continue
            except EndOfStream as error:
                self._ended(error)
                return
            except CameraLost as error:
                self.alarms.set(CAMERA, str(error))
                self._over.wait(min(max(view.camera.retry_in_s, PAUSE_S), REVIVE_S))
                continue
            except CameraError as error:  # a picture was there and cannot be read: a part as well
                if view.camera.state == "FAULT":
                    self._ended(error)
                    return
                self._one(take, None, str(error))
                unreadable += 1
                continue
            self.alarms.clear(CAMERA)
            for _ in range(frame.missed_before - unreadable):
                self._one(take, None, "the camera lost this part's picture")
            self._one(take, frame, "")
            unreadable = 0
            self._seen(frame)

    def check(self, stall_s: float) -> None:
        """Be in trouble while a driver does not return; raise CameraError once that lasts `stall_s`."""
        for view in self.views:
            overdue_s = view.overdue_s()
            if overdue_s < OVERDUE_S:
                continue
            problem = f"view {view.name}: the driver of camera {view.camera.name} does not return"
            self.alarms.set(CAMERA, problem)
            if overdue_s > stall_s:
                raise CameraError(
                    f"{problem}, for {stall_s:g} s longer than allowed; look at camera and cable"
                )

    def skip_one(self) -> None:
        """Say that a trigger's pictures will not be read: a camera that queues them starts anew."""
        self._behind.set()

    def resynchronise(self) -> None:
        """Open cameras that queue pictures anew; those of triggers before this moment are gone.

        While one is away every part is rejected: its picture would be a later part's.
        """
        queueing = [view for view in self.views if view.queues]
        if self._behind.is_set():
            self._behind.clear()
            for view in queueing:
                view.camera.drop()
        self._away = ""
        for view in queueing:
            try:
                view.camera.revive(REVIVE_S)
            except CameraError as error:
                self.alarms.set(CAMERA, str(error))
                if view.camera.state != "FAULT":  # which ends the station at the next part
                    self._away = str(error)
        if queueing:
            self._fresh = time.monotonic()

    def _must_resynchronise(self, part: Part | None) -> bool:
        """Whether to do it now: at set-up not after each look, but before a part is read."""
        if (part is None or part.claimed) and self._paused():
            return False
        return self._behind.is_set() or bool(self._away)

    def _reject_dropped(self, part: Part) -> None:
        """Reject a part triggered before the cameras started anew; its picture may still come."""
        if self._fresh - part.marks["taken"] < LAG_S:
            self._skip(part)
        dropped = "its picture was dropped: the camera had got out of step"
        self._decide(part, f"no picture: {self._away}" if self._away else dropped)

    def _skip(self, part: Part) -> None:
        if len(part.frames) < len(self.views):
            self.skip_one()

    def _read(self, part: Part) -> None:
        """Take the pictures of all views at the same time; the first view's error comes first."""
        left, trigger_id = remaining_s(part.deadline), part.request.trigger_id
        reads = {
            view.name: partial(view.read, timeout_s=left, trigger_id=trigger_id)
            for view in self.views
        }
        if len(reads) == 1:
            part.frames.update((name, read()) for name, read in reads.items())
            return
        calls = {name: Attempt(read) for name, read in reads.items()}
        for call in calls.values():
            call.done(TIMEOUT_MAX)  # one that hangs is told by `check`
        for name, call in calls.items():
            part.frames[name] = call.result()

    def _revive(self) -> None:
        """While no part waits, look for lost cameras: a PLC does not trigger until they are back."""
        if not self.alarms.has(CAMERA):
            return
        try:
            for view in self.views:
                view.camera.revive(REVIVE_S)
        except CameraError as error:
            self.alarms.set(CAMERA, str(error))
        else:
            self.alarms.clear(CAMERA)

    def _one(self, take: Take, frame: Frame | None, problem: str) -> None:
        part = take(TriggerRequest(source="camera"), time.monotonic())
        if part is None:
            return
        if frame is None:
            self._decide(part, problem)
            return
        part.frames[self.views[0].name] = frame
        part.mark("wait")
        self._show(part)

    def _show(self, part: Part) -> None:
        part.look = side_by_side(part.frames)
        part.mark("acquire")
        self._shown(part)


def next_of(parts: queue.Queue[Part]) -> Part | None:
    """Give the next part, None when there is none for a moment."""
    with suppress(queue.Empty):
        return parts.get(timeout=0.05)
    return None


def waiting_in(parts: queue.Queue[Part], most: int) -> list[Part]:
    """Give the parts that wait, at most so many; none when there is none for a moment."""
    first = next_of(parts)
    found = [] if first is None else [first]
    with suppress(queue.Empty):
        while found and len(found) < most:
            found.append(parts.get_nowait())
    return found
