"""The looks a station takes at one part: a camera and its recipes each; all must pass."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from cameras import Camera, CameraError, CameraLost, CameraTimeout, Frame, Reconnecting
from cameras._attempt import Attempt
from inspection.errors import CannotInspect
from inspection.judgement import Judgement
from inspection.judging.judge import inspect
from inspection.outside import in_words
from inspection.reasons import Reason
from inspection.recipe import Recipe

OPEN_S, CLOSE_S = 60.0, 5.0
"""What opening a lost camera again, and closing one, may take."""


class CameraView:
    """One camera's look at each part; lost, it is opened again.

    One thread reads, one judges, one watches.
    """

    def __init__(self, name: str, camera: Camera, recipes: Mapping[str, Recipe]) -> None:
        self.name, self.recipes = name, recipes
        self.camera = Reconnecting(camera)
        self._previous: Frame | None = None
        self._due: float | None = None
        """When the driver's present call must be back, by the monotonic clock."""
        self._opening: float | None = None

    def read(self, *, timeout_s: float, trigger_id: str | None) -> Frame:
        """Take the picture that belongs to a trigger. Raises CameraError.

        After a timeout the camera is opened anew: the picture that came too late must not be
        taken for the next part's.
        """
        try:
            return self.next(timeout_s=timeout_s, trigger_id=trigger_id)
        except CameraTimeout:
            self.camera.drop()
            raise

    def next(self, *, timeout_s: float, trigger_id: str | None = None) -> Frame:
        """Wait for a picture; without one the camera stays as it is. Raises CameraError.

        Whatever else a driver raises, or gives instead of a picture, it is lost and opened anew.
        """
        try:
            with self._watched(timeout_s):
                return self.camera.read(timeout_s=timeout_s, trigger_id=trigger_id)
        except CameraError:
            raise
        except Exception as error:  # drivers fail in many ways; none ends the station
            self.camera.drop()
            raise CameraLost(f"camera {self.camera.name}: {in_words(error)}") from error

    def swap_camera(self, camera: Camera, *, timeout_s: float) -> None:
        """Use another camera; the earlier comes back if it cannot be opened. Raises CameraError."""
        with self._watched(timeout_s):
            before = self.camera.camera
            self.camera.close()
            self.camera.use(camera)
            try:
                self.camera.open()
            except CameraError:
                self.camera.close()
                self.camera.use(before)
                self.camera.open()
                raise

    @contextmanager
    def _watched(self, timeout_s: float) -> Iterator[None]:
        self._due = time.monotonic() + timeout_s
        try:
            yield
        finally:
            self._due = None

    def overdue_s(self) -> float:
        """Seconds by which the driver's call now running is over its limit; for one watcher."""
        now = time.monotonic()
        connecting = self.camera.state == "CONNECTING"
        self._opening = (self._opening or now) if connecting else None
        due = self._due if self._opening is None else self._opening + OPEN_S
        return 0.0 if due is None else max(now - due, 0.0)

    def close(self) -> None:
        """Let the camera go; a driver that hangs is left behind, so that the program can end."""
        attempt = Attempt(self.camera.close)
        if attempt.done(CLOSE_S):
            attempt.result()

    @property
    def queues(self) -> bool:
        """Whether pictures come by themselves and wait: one not taken would go to the next part."""
        return self.camera.queues

    def counts(self) -> dict[str, int]:
        """Return the camera's frame accounting as plain data."""
        return asdict(self.camera.accounting)

    def judge(
        self, frame: Frame, product: str, *, template: NDArray[np.uint8] | None = None
    ) -> Judgement:
        """Judge a picture, beside its template if one is given; one identical to the last means a frozen camera."""
        previous, self._previous = self._previous, frame
        return inspect(frame, self.recipes[product], previous=previous, template=template)


def remaining_s(deadline: float) -> float:
    """Return the seconds left until a moment of the monotonic clock. Raises CannotInspect when past."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise CannotInspect(Reason("late_picture"))
    return left
