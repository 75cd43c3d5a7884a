"""From a trigger to its pictures, or from a picture to its trigger."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from cameras import CameraError, CameraLost, CameraTimeout, EndOfStream, Frame
from inspection.errors import CannotInspect
from inspection.judging.multi_view import side_by_side
from inspection.plant.messages import TriggerRequest
from inspection.reasons import Reason
from inspection.station.alarms import CAMERA
from inspection.station.camera_service import CameraService
from inspection.station.camera_set import REVIVE_S, CameraSet
from inspection.station.part import Part

PAUSE_S = 0.05
LAG_S = 0.5
"""A picture comes at most so much later than its trigger is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineLinks:
    """What the pipeline offers the stage that takes pictures."""

    take: Callable[[TriggerRequest, float], Part | None]
    """Takes a picture's own trigger, and when its picture was there (monotonic clock)."""
    judge: Callable[[Part], None]
    """Gets each part with its pictures."""
    reject: Callable[[Part, Reason], None]
    wind_up: Callable[[BaseException], None]
    """Ends the station once what is under way is answered."""
    stopping: threading.Event
    over: threading.Event


class Acquirer:
    """Takes the pictures of each part; between parts the cameras are the set-up page's."""

    def __init__(
        self, cameras: CameraSet, camera_service: CameraService, pipeline: PipelineLinks
    ) -> None:
        self.cameras, self.camera_service, self.pipeline = cameras, camera_service, pipeline

    def take_pictures(self, inbox: queue.Queue[Part]) -> None:
        """Take the pictures of each triggered part, until the station is over."""
        while not self.pipeline.over.is_set():
            part = next_of(inbox)
            idle = part is None or part.claimed
            if idle:
                self.camera_service.serve()
            # At set-up not after each look, but before a part is read.
            if self.cameras.out_of_step and not (idle and self.camera_service.paused):
                self.cameras.resynchronise()
            if part is None:
                self.cameras.revive()
            elif part.claimed:
                self._skip(part)
            elif part.marks["taken"] < self.cameras.in_step_since:
                self._reject_dropped(part)
            else:
                self._take_pictures_of(part)

    def follow(self) -> None:
        """Make a part of each picture the camera gives: its own trigger, or a folder it watches."""
        (view,) = self.cameras.views
        alarms = self.cameras.alarms
        unreadable = 0  # since the last good picture, which counts them as missed once more
        while not self.pipeline.over.is_set() and not self.pipeline.stopping.is_set():
            self.camera_service.serve()
            try:
                frame = view.next(timeout_s=0.5)
            except CameraTimeout:  # it is there, and no part came
                alarms.clear(CAMERA)
                continue
            except EndOfStream as error:
                self.pipeline.wind_up(error)
                return
            except CameraLost as error:
                alarms.set(CAMERA, str(error))
                self.pipeline.over.wait(min(max(view.camera.retry_in_s, PAUSE_S), REVIVE_S))
                continue
            except CameraError as error:  # a picture was there and cannot be read: a part as well
                if self.cameras.failed:
                    self.pipeline.wind_up(error)
                    return
                self._reject_picture(Reason("unreadable", {"error": str(error)}))
                unreadable += 1
                continue
            alarms.clear(CAMERA)
            for _ in range(frame.missed_before - unreadable):
                self._reject_picture(Reason("picture_lost"))
            self._judge_picture(frame)
            unreadable = 0
            self.camera_service.show(frame)

    def _take_pictures_of(self, part: Part) -> None:
        part.mark("wait")
        try:
            self.cameras.read(part)
        except EndOfStream as error:
            self.pipeline.reject(part, Reason("end_of_pictures", {"error": str(error)}))
            self.pipeline.wind_up(error)
        except CameraTimeout as error:
            self._skip(part)
            self.pipeline.reject(part, Reason("picture_late", {"error": str(error)}))
        except CameraError as error:
            self._skip(part)
            self.cameras.alarms.set(CAMERA, str(error))
            self.pipeline.reject(part, Reason("no_picture", {"error": str(error)}))
            if self.cameras.failed:
                self.pipeline.wind_up(error)
        except CannotInspect as error:
            self._skip(part)
            self.pipeline.reject(part, error.reason)
        else:
            self.cameras.alarms.clear(CAMERA)
            self._hand_on(part)

    def _reject_dropped(self, part: Part) -> None:
        """Reject a part triggered before the cameras started anew; its picture may still come."""
        if self.cameras.in_step_since - part.marks["taken"] < LAG_S:
            self._skip(part)
        away = self.cameras.away
        reason = Reason("no_picture", {"error": away}) if away else Reason("out_of_step")
        self.pipeline.reject(part, reason)

    def _skip(self, part: Part) -> None:
        if len(part.frames) < len(self.cameras.views):
            self.cameras.skip_one()

    def _judge_picture(self, frame: Frame) -> None:
        part = self._picture_taken()
        if part is not None:
            part.frames[self.cameras.views[0].name] = frame
            part.mark("wait")
            self._hand_on(part)

    def _reject_picture(self, reason: Reason) -> None:
        part = self._picture_taken()
        if part is not None:
            self.pipeline.reject(part, reason)

    def _picture_taken(self) -> Part | None:
        return self.pipeline.take(TriggerRequest(source="camera"), time.monotonic())

    def _hand_on(self, part: Part) -> None:
        part.montage = side_by_side(part.frames)
        part.mark("acquire")
        self.pipeline.judge(part)


def next_of(parts: queue.Queue[Part]) -> Part | None:
    """The next part, None when there is none for a moment."""
    with suppress(queue.Empty):
        return parts.get(timeout=0.05)
    return None


def waiting_in(parts: queue.Queue[Part], most: int) -> list[Part]:
    """The parts that wait, at most so many; none when there is none for a moment."""
    first = next_of(parts)
    waiting = [] if first is None else [first]
    with suppress(queue.Empty):
        while waiting and len(waiting) < most:
            waiting.append(parts.get_nowait())
    return waiting
