"""Work at the cameras of a paused station: looking, setting, and taking good parts.

The thread that reads the cameras does it, between parts: no device is ever used from two threads.
A camera that queues pictures is opened anew after it, before the next part: a look may have taken
a part's picture.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import cv2

from cameras import Camera, CameraTimeout, Frame, camera_class
from inspection.durable_files import replace_file
from inspection.errors import InspectionError
from inspection.station.camera_set import CameraSet
from inspection.station.camera_view import CameraView
from inspection.station.station_file import StationFile, settings_for

T = TypeVar("T")
TAKE_S, OPEN_S, RESUME_S = 5.0, 30.0, 10.0
SLICE_S = 0.2
"""A look that waits for the line's trigger sees within this time that the station is to go on."""


class CameraService:
    """Does what the set-up page asks of the cameras; the thread that reads them calls `serve`."""

    def __init__(self, cameras: CameraSet, settings: StationFile) -> None:
        self.cameras, self.settings = cameras, settings
        self.paused = False
        self._follows = settings.trigger == "camera"
        self._lock = threading.Lock()
        self._used, self._leaving = False, False
        """Whether a camera was asked for since the station paused; whether it is to go on."""
        self._requests: queue.Queue[tuple[Future[Any], Callable[[], Any]]] = queue.Queue(8)
        self._next_frame: Future[Frame] = Future()

    def serve(self) -> None:
        """Do what the page asked for since the last call; while inspecting, that is nothing."""
        with suppress(queue.Empty):
            while True:
                future, job = self._requests.get_nowait()
                if not future.set_running_or_notify_cancel():
                    continue
                self.cameras.skip_one()
                try:
                    future.set_result(job())
                except BaseException as error:
                    future.set_exception(error)

    def show(self, frame: Frame) -> None:
        """Pass a part's picture to the calls of `take` that wait, where each picture is a part."""
        waiting, self._next_frame = self._next_frame, Future()
        waiting.set_result(frame)

    def resume(self) -> None:
        """Have no more looks, wait for what is under way, and go on. Raises InspectionError.

        Called by one thread at a time.
        """
        with self._lock:
            if not self._used:
                self.paused = False
                return
            self._leaving = True
        try:
            self._request(self._go_on, RESUME_S, "set-up of the cameras did not end")
        finally:
            self._leaving = False

    def take(self, view: str) -> Frame:
        """Take one picture that is no part. Raises InspectionError or CameraError.

        Where each picture is a part, it is that of the next part, which is rejected as paused.
        """
        camera_view = self._view(view)
        if self._follows:
            self._must_pause()
            return _result(self._next_frame, TAKE_S, "the camera gave no picture")
        return self._use(lambda: self._read(camera_view), TAKE_S + 5.0)

    def save(self, view: str, path: Path) -> Frame:
        """Take one picture and write it, losslessly, to a new file. Raises InspectionError."""
        frame = self.take(view)
        if frame.status != "complete":
            raise InspectionError(f"view {view}: the picture is {frame.status}; take it again")
        image = frame.image
        bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        replace_file(path, cv2.imencode(path.suffix, bgr)[1].tobytes())
        return frame

    def change(self, view: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Open a camera anew with other settings; give those it has. The earlier come back if it fails."""
        camera_view = self._view(view)
        in_file = next(each for each in self.settings.views if each.name == view)
        kind = camera_class(in_file.camera)
        _must_be_adjustable(kind, settings, in_file.settings)
        where = f"views.{view}.settings"
        whole = {**in_file.settings, **settings}
        arguments = settings_for(kind, whole, where=where, home=self.settings.home)

        def swap() -> dict[str, Any]:
            self._must_pause()
            camera_view.swap_camera(kind(**arguments), timeout_s=OPEN_S)
            return dict(camera_view.camera.applied)

        return self._use(swap, OPEN_S)

    def _read(self, view: CameraView) -> Frame:
        """Read one picture; where the line triggers it, in slices, so that a resume is heard."""
        give_up = time.monotonic() + TAKE_S
        while view.queues:
            self._must_pause()
            with suppress(CameraTimeout):
                return view.next(timeout_s=SLICE_S)
            if time.monotonic() > give_up:
                raise CameraTimeout(f"view {view.name}: no picture within {TAKE_S:g} s")
        self._must_pause()
        return view.read(timeout_s=TAKE_S, trigger_id=None)

    def _go_on(self) -> None:
        if not self._follows:  # there each picture is a part, whoever looks at it
            self.cameras.resynchronise()
        with self._lock:
            self._used, self.paused = False, False

    def _view(self, name: str) -> CameraView:
        views = {view.name: view for view in self.cameras.views}
        if name not in views:
            raise InspectionError(f"view {name!r}: there is none; allowed: {', '.join(views)}")
        return views[name]

    def _must_pause(self) -> None:
        if self._leaving:
            raise InspectionError("the station goes on inspecting; pause it to use its cameras")
        if not self.paused:
            raise InspectionError("the station is inspecting; pause it before using its cameras")

    def _use(self, job: Callable[[], T], timeout_s: float) -> T:
        """Have a camera used by the thread that reads it, and remember that it was."""
        with self._lock:
            self._must_pause()
            self._used = True
        return self._request(job, timeout_s, "the camera did not answer")

    def _request(self, job: Callable[[], T], timeout_s: float, problem: str) -> T:
        future: Future[T] = Future()
        try:
            self._requests.put_nowait((future, job))
        except queue.Full:
            raise InspectionError("the cameras are busy with set-up; try again") from None
        try:
            return _result(future, timeout_s, problem)
        finally:
            future.cancel()


def _result(future: Future[T], timeout_s: float, problem: str) -> T:
    try:
        return future.result(timeout=timeout_s)
    except FutureTimeout:
        raise InspectionError(f"{problem} within {timeout_s:g} s; try again") from None


def _must_be_adjustable(
    kind: type[Camera], settings: Mapping[str, Any], known: Mapping[str, Any]
) -> None:
    """Refuse settings that name a file, device, address or producer, unless the station file does."""
    allowed = (*kind.features, *kind.adjustable)
    for name, value in settings.items():
        if name not in allowed and (name not in known or known[name] != value):
            raise InspectionError(
                f"camera {kind.name}: {name} cannot be set from the page, only in the station file; "
                f"allowed: {', '.join(allowed) or 'nothing'}"
            )
