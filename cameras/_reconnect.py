"""Open a lost camera again by itself, with growing pauses."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping

from cameras._attempt import Attempt
from cameras.base import (
    Camera,
    CameraError,
    CameraLost,
    CameraTimeout,
    CameraUnavailable,
    Frame,
    FrameCount,
    Setting,
    State,
)

_LONGEST_OPEN_S = 60.0
_COMES_BACK = (CameraUnavailable, CameraLost, CameraTimeout)


class Reconnecting(Camera):
    """A camera that is opened again after CameraLost; a timeout is not a lost camera.

    The first attempt follows at once, then one after `initial_s`, `multiplier` times that, up to
    `max_s`, each with `jitter` (a share) more or less. A `read` meanwhile raises CameraLost within
    its `timeout_s`, even while the device library blocks. Each reopening is a new session. An error
    at reopening that waiting does not mend is state FAULT and raised at every read.
    """

    name = "reconnecting"

    def __init__(
        self,
        camera: Camera,
        *,
        initial_s: float = 0.5,
        max_s: float = 30.0,
        multiplier: float = 2.0,
        jitter: float = 0.1,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.use(camera)
        self.initial_s, self.max_s = initial_s, max_s
        self.multiplier, self.jitter = multiplier, jitter
        self.clock, self.chance = clock, chance
        self._attempt: Attempt[None] | None = None
        self._fault: CameraError | None = None
        self._lost = False
        self._pause_s, self._due = 0.0, 0.0
        self._earlier = FrameCount()

    def use(self, camera: Camera) -> None:
        """Take another camera, while both are closed; what it declares is declared here too."""
        self.camera, self.name = camera, camera.name
        self.trigger_sources, self.trigger_source = camera.trigger_sources, camera.trigger_source
        self.features, self.adjustable = camera.features, camera.adjustable

    def open(self) -> None:
        """Open the camera for the first time; what is wrong then is raised as it is."""
        self.close()
        self.camera.open()
        self._earlier, self._lost, self._fault = FrameCount(), False, None

    def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
        """Read, or bring the camera back. Raises CameraLost while it is away."""
        if self._fault is not None:
            raise self._fault
        if self._lost:
            timeout_s = self._come_back(timeout_s)
        try:
            return self.camera.read(timeout_s=timeout_s, trigger_id=trigger_id)
        except CameraLost:
            self._lose()
            raise

    def drop(self) -> None:
        """Take the camera for lost: it is opened anew before the next picture."""
        if not self._lost and self._fault is None:
            self._lose()

    def revive(self, timeout_s: float) -> None:
        """Bring a lost camera back without taking a picture. Raises CameraLost while it is away."""
        if self._fault is not None:
            raise self._fault
        if self._lost:
            self._come_back(timeout_s)

    def close(self) -> None:
        """Close the camera; an attempt that still runs closes it when it ends."""
        attempt, self._attempt = self._attempt, None
        self._lost, self._fault = False, None
        if attempt is None or attempt.done(0.0):
            self.camera.close()
        else:
            Attempt(lambda: self._close_after(attempt))

    @property
    def state(self) -> State:
        """LOST until the first attempt, BACKOFF between attempts, CONNECTING during one."""
        if self._fault is not None:
            return "FAULT"
        if not self._lost:
            return self.camera.state
        if self._attempt is not None:
            return "CONNECTING"
        return "BACKOFF" if self._pause_s else "LOST"

    @property
    def accounting(self) -> FrameCount:
        """Where the pictures of all sessions since `open` ended up."""
        return self._earlier if self._lost else self._earlier + self.camera.accounting

    @property
    def applied(self) -> Mapping[str, Setting]:
        """The settings the camera has now."""
        return self.camera.applied

    @property
    def queues(self) -> bool:
        """Whether the camera's pictures come by themselves and wait."""
        return self.camera.queues

    @property
    def retry_in_s(self) -> float:
        """How long until the next attempt; 0 when it is due or the camera is there."""
        return max(self._due - self.clock(), 0.0) if self._lost else 0.0

    def _lose(self) -> None:
        self._earlier += self.camera.accounting
        self._lost, self._pause_s, self._due = True, 0.0, self.clock()

    def _come_back(self, timeout_s: float) -> float:
        """Open the camera again; returns what is left of the timeout. Raises CameraLost if it is away."""
        started = self.clock()
        if self._attempt is None:
            if (wait_s := self.retry_in_s) > 0:
                raise CameraLost(f"camera {self.name} is lost; next attempt in {wait_s:.1f} s")
            self._attempt = Attempt(self._reopen)
        if not self._attempt.done(timeout_s):
            raise CameraLost(f"camera {self.name} is lost; it is being opened again")
        attempt, self._attempt = self._attempt, None
        self._end_attempt(attempt)
        return max(timeout_s - (self.clock() - started), 0.0)

    def _reopen(self) -> None:
        self.camera.close()
        self.camera.open()

    def _close_after(self, attempt: Attempt[None]) -> None:
        attempt.done(_LONGEST_OPEN_S)
        self.camera.close()

    def _end_attempt(self, attempt: Attempt[None]) -> None:
        try:
            attempt.result()
        except _COMES_BACK as exc:
            self._back_off()
            raise CameraLost(
                f"camera {self.name} is lost; next attempt in {self.retry_in_s:.1f} s: {exc}"
            ) from exc
        except CameraError as exc:
            self._fault = exc
            raise
        self._lost = False

    def _back_off(self) -> None:
        longer = self._pause_s * self.multiplier if self._pause_s else self.initial_s
        self._pause_s = min(longer, self.max_s)
        spread = 1 + self.jitter * (2 * self.chance() - 1)
        self._due = self.clock() + self._pause_s * spread
