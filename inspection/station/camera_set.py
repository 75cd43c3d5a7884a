"""The cameras of a station together: read at the same time, and opened anew when out of step."""

from __future__ import annotations

import threading
import time
from functools import partial
from threading import TIMEOUT_MAX

from cameras import CameraError
from cameras._attempt import Attempt
from inspection.station.alarms import CAMERA, Alarms
from inspection.station.camera_view import CameraView, remaining_s
from inspection.station.part import Part

REVIVE_S = 0.5
OVERDUE_S = 1.0
"""How much longer than allowed a call of a driver may take before it counts as hanging."""


class CameraSet:
    """The views of each part. One thread reads; any may call `skip_one`, and one watches by `check`."""

    def __init__(self, views: list[CameraView], alarms: Alarms) -> None:
        self.views, self.alarms = views, alarms
        self.away = ""
        """Why a camera that queues pictures is not back yet."""
        self.in_step_since = 0.0
        """Pictures of triggers before this moment of the monotonic clock are gone."""
        self._behind = threading.Event()

    def read(self, part: Part) -> None:
        """Take the pictures of all views at the same time; the first view's error comes first.

        Raises CameraError, and CannotInspect once the part's deadline is over.
        """
        left_s, trigger_id = remaining_s(part.deadline), part.request.trigger_id
        reads = {
            view.name: partial(view.read, timeout_s=left_s, trigger_id=trigger_id)
            for view in self.views
        }
        if len(reads) == 1:
            part.frames.update((name, read()) for name, read in reads.items())
            return
        attempts = {name: Attempt(read) for name, read in reads.items()}
        for attempt in attempts.values():
            attempt.done(TIMEOUT_MAX)  # one that hangs is told by `check`
        for name, attempt in attempts.items():
            part.frames[name] = attempt.result()

    def skip_one(self) -> None:
        """Say that a trigger's pictures will not be read: a camera that queues them starts anew."""
        self._behind.set()

    @property
    def out_of_step(self) -> bool:
        """Whether the next picture may be that of an earlier part."""
        return self._behind.is_set() or bool(self.away)

    def resynchronise(self) -> None:
        """Open cameras that queue pictures anew; those of triggers before this moment are gone.

        While one is away every part is rejected: its picture would be a later part's.
        """
        queueing = [view for view in self.views if view.queues]
        if self._behind.is_set():
            self._behind.clear()
            for view in queueing:
                view.camera.drop()
        self.away = ""
        for view in queueing:
            try:
                view.camera.revive(REVIVE_S)
            except CameraError as error:
                self.alarms.set(CAMERA, str(error))
                if view.camera.state != "FAULT":  # which ends the station at the next part
                    self.away = str(error)
        if queueing:
            self.in_step_since = time.monotonic()

    def revive(self) -> None:
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

    @property
    def failed(self) -> bool:
        """Whether a camera will not come back by itself."""
        return any(view.camera.state == "FAULT" for view in self.views)

    def check(self, stall_s: float, *, awake_s: float) -> None:
        """Set the alarm while a driver does not return; raise CameraError once that lasts `stall_s`.

        `awake_s` is how long the computer has not been suspended: a driver could not return before.
        """
        for view in self.views:
            overdue_s = min(view.overdue_s(), awake_s)
            if overdue_s < OVERDUE_S:
                continue
            problem = f"view {view.name}: the driver of camera {view.camera.name} does not return"
            self.alarms.set(CAMERA, problem)
            if overdue_s > stall_s:
                raise CameraError(
                    f"{problem}, for {stall_s:g} s longer than allowed; look at camera and cable"
                )
