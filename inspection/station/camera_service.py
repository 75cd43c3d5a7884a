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
from typing import Any, Protocol, TypeVar

import cv2

from cameras import Camera, CameraTimeout, Frame, camera_class
from inspection.errors import InspectionError
from inspection.station.camera_view import CameraView
from inspection.station.station_file import StationFile, settings_for

T = TypeVar("T")
TAKE_S, OPEN_S, RESUME_S = 5.0, 30.0, 10.0
SLICE_S = 0.2
"""A look that waits for the line's trigger sees within this time that the station is to go on."""


class Cameras(Protocol):
    """Who reads the cameras for parts."""

    def skip_one(self) -> None:
        """Start anew before the next part: pictures were read that may have been a part's."""

    def resynchronise(self) -> None:
        """Start anew now."""


class CameraService:
    """Runs what the set-up page asks of the cameras; `work` is called by the thread that reads them."""

    def __init__(self, views: list[CameraView], settings: StationFile) -> None:
        self.views = {view.name: view for view in views}
        self.settings = settings
        self.paused = False
        self._follows = settings.trigger == "camera"
        self._lock = threading.Lock()
        self._used, self._leaving = False, False
        """Whether a camera was asked for since the station paused; whether it is to go on."""
        self._asked: queue.Queue[tuple[Future[Any], Callable[[Cameras], Any]]] = queue.Queue(8)
        self._next: Future[Frame] = Future()

    def work(self, cameras: Cameras) -> None:
        """Do what is asked, if anything is; while inspecting, nothing is done."""
        with suppress(queue.Empty):
            while True:
                future, job = self._asked.get_nowait()
                if not future.set_running_or_notify_cancel():
                    continue
                cameras.skip_one()
                try:
                    future.set_result(job(cameras))
                except BaseException as error:
                    future.set_exception(error)

    def seen(self, frame: Frame) -> None:
        """Show a part's picture to the looks that wait, where each picture is a part."""
        waiting, self._next = self._next, Future()
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
            self._asks(self._go_on, RESUME_S, "set-up of the cameras did not end")
        finally:
            self._leaving = False

    def take(self, view: str) -> Frame:
        """Take one picture that is no part. Raises InspectionError or CameraError.

        Where each picture is a part, it is that of the next part, which is rejected as paused.
        """
        looked = self._view(view)
        if self._follows:
            self._must_pause()
            return _answer(self._next, TAKE_S, "the camera gave no picture")
        return self._done(lambda _: self._looked(looked), TAKE_S + 5.0)

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
        _must_be_adjustable(kind, settings, named.settings)
        whole = {**named.settings, **settings}
        made = settings_for(kind, whole, where=f"views.{view}.settings", home=self.settings.home)

        def swap(_: Cameras) -> dict[str, Any]:
            self._must_pause()
            looked.swap_camera(kind(**made), timeout_s=OPEN_S)
            return dict(looked.camera.applied)

        return self._done(swap, OPEN_S)

    def _looked(self, looked: CameraView) -> Frame:
        """Read one picture; where the line triggers it, in slices, so that a resume is heard."""
        give_up = time.monotonic() + TAKE_S
        while looked.queues:
            self._must_pause()
            with suppress(CameraTimeout):
                return looked.next(timeout_s=SLICE_S)
            if time.monotonic() > give_up:
                raise CameraTimeout(f"view {looked.name}: no picture within {TAKE_S:g} s")
        self._must_pause()
        return looked.read(timeout_s=TAKE_S, trigger_id=None)

    def _go_on(self, cameras: Cameras) -> None:
        if not self._follows:  # there each picture is a part, whoever looks at it
            cameras.resynchronise()
        with self._lock:
            self._used, self.paused = False, False

    def _view(self, name: str) -> CameraView:
        if name not in self.views:
            allowed = ", ".join(self.views)
            raise InspectionError(f"view {name!r}: there is none; allowed: {allowed}")
        return self.views[name]

    def _must_pause(self) -> None:
        if self._leaving:
            raise InspectionError("the station goes on inspecting; pause it to use its cameras")
        if not self.paused:
            raise InspectionError("the station is inspecting; pause it before using its cameras")

    def _done(self, job: Callable[[Cameras], T], timeout_s: float) -> T:
        with self._lock:
            self._must_pause()
            self._used = True
        return self._asks(job, timeout_s, "the camera did not answer")

    def _asks(self, job: Callable[[Cameras], T], timeout_s: float, problem: str) -> T:
        future: Future[T] = Future()
        try:
            self._asked.put_nowait((future, job))
        except queue.Full:
            raise InspectionError("the cameras are busy with set-up; try again") from None
        try:
            return _answer(future, timeout_s, problem)
        finally:
            future.cancel()


def _answer(future: Future[T], timeout_s: float, problem: str) -> T:
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
