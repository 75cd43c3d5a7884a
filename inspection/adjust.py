"""Work at the cameras of a paused station: looking, setting, and taking good parts.

The thread that reads the cameras does it, between parts: no device is ever used from two threads.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import cv2

from cameras import CameraError, Frame, camera_class
from inspection.errors import InspectionError
from inspection.station_file import StationFile, settings_for
from inspection.views import View

T = TypeVar("T")
TAKE_S, OPEN_S = 5.0, 30.0


class Adjuster:
    """Runs what the set-up page asks of the cameras; `work` is called by the thread that reads them."""

    def __init__(self, views: list[View], settings: StationFile) -> None:
        self.views = {view.name: view for view in views}
        self.settings = settings
        self.paused = False
        self._asked: queue.Queue[tuple[Future[Any], Callable[[], Any]]] = queue.Queue(8)

    def work(self) -> None:
        """Do what is asked, if anything is; while inspecting, nothing is done."""
        with suppress(queue.Empty):
            while True:
                future, job = self._asked.get_nowait()
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    self._must_pause()
                    future.set_result(job())
                except BaseException as error:
                    future.set_exception(error)

    def take(self, view: str) -> Frame:
        """Take one picture that is no part. Raises InspectionError or CameraError."""
        looked = self._view(view)
        return self._done(
            lambda: looked.camera.read(timeout_s=TAKE_S, trigger_id=None), TAKE_S + 5.0
        )

    def save(self, view: str, path: Path) -> Frame:
        """Take one picture and write it, losslessly, to a new file. Raises InspectionError."""
        frame = self.take(view)
        if frame.status != "complete":
            raise InspectionError(f"view {view}: the picture is {frame.status}; take it again")
        image = frame.image
        bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(path.suffix, bgr)[1].tobytes())
        return frame

    def change(self, view: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Open a camera anew with other settings; give those it has. The earlier come back if it fails."""
        looked = self._view(view)
        named = next(each for each in self.settings.views if each.name == view)
        kind = camera_class(named.camera)
        whole = {**named.settings, **settings}
        made = settings_for(kind, whole, where=f"views.{view}.settings", home=self.settings.home)

        def swap() -> dict[str, Any]:
            before = looked.camera.camera
            looked.camera.close()
            looked.camera.camera = kind(**made)
            try:
                looked.camera.open()
            except CameraError:
                looked.camera.close()
                looked.camera.camera = before
                looked.camera.open()
                raise
            return dict(looked.camera.applied)

        return self._done(swap, OPEN_S)

    def _view(self, name: str) -> View:
        if name not in self.views:
            allowed = ", ".join(self.views)
            raise InspectionError(f"view {name!r}: there is none; allowed: {allowed}")
        return self.views[name]

    def _must_pause(self) -> None:
        if not self.paused:
            raise InspectionError("the station is inspecting; pause it before using its cameras")

    def _done(self, job: Callable[[], T], timeout_s: float) -> T:
        self._must_pause()
        future: Future[T] = Future()
        try:
            self._asked.put_nowait((future, job))
        except queue.Full:
            raise InspectionError("the cameras are busy with set-up; try again") from None
        try:
            return future.result(timeout=timeout_s)
        except FutureTimeout:
            future.cancel()
            raise InspectionError(f"the camera did not answer within {timeout_s:g} s") from None
