"""A simulated camera goes wrong where it is told to, and draws ahead when it is told to."""

from __future__ import annotations

import numpy as np
import pytest

from cameras import CameraError, CameraLost, CameraTimeout, simulated
from cameras.simulated import FAULTS, Simulated


def _camera(**settings: object) -> Simulated:
    return Simulated(size_px=64, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("fault", ["incomplete", "corrupt"])
def test_a_damaged_picture_says_so(fault: str) -> None:
    with _camera(faults={"1": fault}) as camera:
        frames = [camera.read() for _ in range(3)]
        assert (camera.accounting.complete, camera.accounting.incomplete) == (2, 1)
    assert [frame.status for frame in frames] == ["complete", fault, "complete"]
    assert not frames[1].image[32:].any()
    assert (frames[1].image[:32] == camera.truth(1).image[:32]).all()


def test_a_frozen_picture_is_the_one_before() -> None:
    with _camera(faults={"1": "frozen"}) as camera:
        frames = [camera.read() for _ in range(3)]
    pictures = [frame.image.tobytes() for frame in frames]
    assert pictures[0] == pictures[1] != pictures[2]
    assert [frame.frame_id for frame in frames] == [0, 1, 2]


def test_a_timeout_misses_one_part_and_only_once() -> None:
    with _camera(faults={"1": "timeout"}) as camera:
        camera.read()
        with pytest.raises(CameraTimeout) as caught:
            camera.read(timeout_s=0.5)
        frame = camera.read()
        assert str(camera.accounting).startswith("3 sent = 2 complete + 0 incomplete + 1 missed")
    assert str(caught.value) == "camera simulated: no picture in 0.5 s (a fault asked for)"
    assert (frame.sequence, frame.frame_id, frame.missed_before) == (1, 2, 1)
    assert (frame.image == camera.truth(frame.frame_id).image).all()


def test_a_late_picture_comes_if_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(simulated.time, "sleep", slept.append)
    with _camera(faults={"0": "late", "1": "late"}) as camera:
        assert camera.read(timeout_s=1.0).frame_id == 0
        with pytest.raises(CameraTimeout):
            camera.read(timeout_s=0.1)
        assert camera.read().frame_id == 2
    assert slept == [simulated.LATE_S, 0.1]


def test_a_lost_camera_is_opened_again() -> None:
    camera = _camera(faults={"1": "lost"})
    camera.open()
    camera.read()
    with pytest.raises(CameraLost):
        camera.read()
    assert camera.state == "LOST"
    camera.open()
    assert [camera.read().frame_id for _ in range(3)] == [0, 1, 2]
    camera.close()


def test_the_light_fails_at_every_so_many_parts() -> None:
    with _camera(dark_every=3) as camera:
        frames = [camera.read() for _ in range(6)]
        truths = [camera.truth(number).image for number in range(6)]
    for number, (frame, truth) in enumerate(zip(frames, truths, strict=True)):
        assert frame.status == "complete"
        assert (frame.image == (truth // 6 if number in (2, 5) else truth)).all()


def test_a_faint_defect_shows_by_a_share() -> None:
    with _camera(faint_every=2, faint=0.25, defect_rate=0.0) as camera:
        faint = [camera.read().image.astype(float) for _ in range(4)][1::2]
    whole = [_camera(faint_every=2, faint=1.0).truth(number) for number in (1, 3)]
    good = [_camera(defect_rate=0.0).truth(number).image for number in (1, 3)]
    for seen, bad, plain in zip(faint, whole, good, strict=True):
        assert bad.defect is not None
        change = bad.image.astype(float) - plain
        assert np.abs(change).max() > 10
        assert np.abs(seen - plain - 0.25 * change).max() <= 0.5


def test_cached_parts_come_round_again() -> None:
    with _camera(cache=3, seed=4) as camera:
        frames = [camera.read() for _ in range(7)]
        truths = [camera.truth(frame.frame_id) for frame in frames]
    pictures = [frame.image.tobytes() for frame in frames]
    assert pictures[:3] == pictures[3:6]
    assert pictures[6] == pictures[0]
    assert len(set(pictures)) == 3
    assert [truth.image.tobytes() for truth in truths] == pictures
    assert pictures[:3] == [_camera(seed=4).truth(part).image.tobytes() for part in range(3)]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"dark_every": -1}, "dark_every: expected 0 or more, got -1"),
        ({"faint_every": -2}, "faint_every: expected 0 or more, got -2"),
        ({"faint": 1.5}, "faint: expected 0 to 1, got 1.5"),
        ({"cache": -1}, "cache: expected 0 or more, got -1"),
        (
            {"faults": {"3": "broken"}},
            f"faults: expected part number = one of {', '.join(FAULTS)}, got '3' = 'broken'",
        ),
        (
            {"faults": {"x": "lost"}},
            f"faults: expected part number = one of {', '.join(FAULTS)}, got 'x' = 'lost'",
        ),
        ({"trigger_source": "Line1"}, "trigger_source 'Line1' is not supported; supported: "
         "Software, Off"),
    ],
)  # fmt: skip
def test_wrong_settings_are_told(settings: dict[str, object], text: str) -> None:
    with pytest.raises(CameraError) as caught:
        _camera(**settings).open()
    assert str(caught.value) == f"camera simulated: {text}"
