"""A lost camera comes back by itself, with growing pauses, and nobody waits for it."""

from __future__ import annotations

import threading

import pytest

from cameras import (
    Camera,
    CameraError,
    CameraLost,
    CameraTimeout,
    CameraUnavailable,
    CameraUnsupported,
    Frame,
    Reconnecting,
)
from cameras.folder import Folder
from cameras.simulated import Simulated


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Shaky(Simulated):
    """A simulated camera whose next openings fail as they are told to."""

    def __init__(self, **settings: object) -> None:
        super().__init__(size_px=64, **settings)  # type: ignore[arg-type]
        self.failures: list[CameraError] = []
        self.gate = threading.Event()
        self.gate.set()
        self.opened = 0

    def open(self) -> None:
        self.gate.wait(10)
        self.opened += 1
        if self.failures:
            raise self.failures.pop(0)
        super().open()


def _wrapped(shaky: Camera, clock: Clock) -> Reconnecting:
    return Reconnecting(
        shaky, initial_s=1.0, max_s=5.0, multiplier=3.0, jitter=0.1, clock=clock, chance=lambda: 0.5
    )


def test_comes_back_at_the_next_read_as_a_new_session() -> None:
    with Reconnecting(Shaky(faults={"1": "lost"})) as camera:
        first = camera.read()
        with pytest.raises(CameraLost, match="^camera simulated is lost"):
            camera.read(trigger_id="T1")
        assert camera.state == "LOST"
        again = camera.read(trigger_id="T2")
        assert camera.state == "ACQUIRING"
    assert (first.sequence, again.sequence, again.trigger_id) == (0, 0, "T2")
    assert first.session != again.session
    assert (camera.name, camera.trigger_sources) == ("simulated", ("Software", "Off"))


def test_another_camera_is_declared_as_it_is() -> None:
    """What the station asks of a camera before each part must not be that of the one before."""
    camera = Reconnecting(Simulated(trigger_source="Software"))
    assert (camera.trigger_source, camera.queues) == ("Software", False)
    camera.use(Simulated(trigger_source="Off"))
    assert (camera.trigger_source, camera.queues) == ("Off", True)
    camera.use(Folder(path="there", watch=True))
    assert (camera.name, camera.trigger_sources, camera.queues) == ("folder", ("Software",), True)


def test_pauses_grow_and_reads_meanwhile_are_refused_at_once() -> None:
    clock, shaky = Clock(), Shaky(faults={"0": "lost"})
    with _wrapped(shaky, clock) as camera:
        with pytest.raises(CameraLost):
            camera.read()
        shaky.failures = [CameraUnavailable("no answer") for _ in range(4)]
        pauses = []
        for _ in range(4):
            with pytest.raises(CameraLost, match=r"next attempt in .* s: no answer$"):
                camera.read()
            assert camera.state == "BACKOFF"
            pauses.append(round(camera.retry_in_s, 6))
            opened = shaky.opened
            with pytest.raises(CameraLost, match=r"^camera simulated is lost; next attempt in"):
                camera.read()
            assert shaky.opened == opened
            clock.now_s += camera.retry_in_s
        assert pauses == [1.0, 3.0, 5.0, 5.0]
        assert camera.read().sequence == 0


@pytest.mark.parametrize(("chance", "pause_s"), [(0.0, 0.9), (1.0, 1.1)])
def test_jitter_spreads_the_pauses(chance: float, pause_s: float) -> None:
    clock, shaky = Clock(), Shaky(faults={"0": "lost"})
    camera = Reconnecting(shaky, initial_s=1.0, clock=clock, chance=lambda: chance)
    with camera:
        shaky.failures = [CameraUnavailable("away")]
        for _ in range(2):
            with pytest.raises(CameraLost):
                camera.read()
        assert camera.retry_in_s == pytest.approx(pause_s)


def test_a_timeout_is_not_a_lost_camera() -> None:
    shaky = Shaky(faults={"0": "timeout"})
    with Reconnecting(shaky) as camera:
        session = shaky._session
        with pytest.raises(CameraTimeout):
            camera.read()
        frame = camera.read()
    assert (frame.session, frame.missed_before, shaky.opened) == (session, 1, 1)


def test_a_library_that_blocks_does_not_block_the_reader() -> None:
    shaky = Shaky(faults={"0": "lost"})
    with Reconnecting(shaky) as camera:
        with pytest.raises(CameraLost):
            camera.read()
        shaky.gate.clear()
        for _ in range(2):
            with pytest.raises(CameraLost, match="it is being opened again$"):
                camera.read(timeout_s=0.01)
        assert (camera.state, shaky.opened) == ("CONNECTING", 1)
        shaky.gate.set()
        assert camera.read(timeout_s=5.0).sequence == 0
        assert shaky.opened == 2


def test_what_waiting_does_not_mend_is_a_fault() -> None:
    shaky = Shaky(faults={"0": "lost"})
    with Reconnecting(shaky) as camera:
        with pytest.raises(CameraLost):
            camera.read()
        shaky.failures = [CameraUnsupported("another camera hangs there now")]
        for _ in range(2):
            with pytest.raises(CameraUnsupported, match="^another camera hangs there now$"):
                camera.read()
        assert (camera.state, shaky.opened) == ("FAULT", 2)
        camera.close()
        camera.open()
        assert isinstance(camera.read(), Frame)


def test_accounting_runs_over_all_sessions() -> None:
    with Reconnecting(Shaky(faults={"2": "lost"})) as camera:
        camera.read()
        camera.read()
        with pytest.raises(CameraLost):
            camera.read()
        assert (camera.accounting.complete, camera.accounting.missed) == (2, 1)
        for _ in range(4):
            camera.read()
        assert str(camera.accounting) == (
            "7 sent = 6 complete + 0 incomplete + 1 missed + 0 backpressure + 0 unsupported"
        )


def test_first_opening_fails_as_it_is() -> None:
    shaky = Shaky()
    shaky.failures = [CameraUnavailable("no camera found")]
    camera = Reconnecting(shaky)
    with pytest.raises(CameraUnavailable, match="^no camera found$"):
        camera.open()
    assert camera.state == "CLOSED"
    camera.close()
    with pytest.raises(CameraError, match="is closed; open it before reading$"):
        camera.read()


def test_a_dropped_camera_is_opened_anew_and_revived_without_a_picture() -> None:
    from cameras.simulated import Simulated

    with Reconnecting(Simulated(size_px=128)) as camera:
        first = camera.read()
        camera.drop()
        assert camera.state == "LOST"
        camera.revive(5.0)
        assert camera.state == "IDLE"
        assert camera.accounting.complete == 1  # reviving took no picture, and forgot none
        assert camera.read().session != first.session
