"""Faults at a station at work: each trigger has one record and one answer, no PASS is unbacked, verify is clean.

One row a kind; the kinds that need a process, a disk or a server of their own are listed in docs/benchmarks.md
with the tests that prove them.
"""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cameras import CameraLost, CameraTimeout, Frame, ImageFileError
from cameras.simulated import Simulated
from inspection.judgement import Verdict
from tests.station.conftest import build, wait_until

__all__ = ["build"]
pytestmark = pytest.mark.slow
Change = Callable[[Any], Any]


class Faulty(Simulated):
    """A good camera until `change` is set: then its picture, or what it raises, is that."""

    def __init__(self) -> None:
        super().__init__(size_px=256, defect_rate=0.0)
        self.change: Change | None = None

    def open(self) -> None:
        self.seed += 1  # a picture seen before would be that of a frozen camera
        super().open()

    def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
        frame = super().read(timeout_s=timeout_s, trigger_id=trigger_id)
        return frame if self.change is None else replace(frame, image=self.change(frame.image))


def _raises(error: Exception) -> Change:
    def change(image: Any) -> Any:
        raise error

    return change


PICTURES: dict[str, Change] = {
    "not a number": lambda image: np.full(image.shape, np.nan, np.float32),
    "floats": lambda image: image.astype(np.float32) / 255,
    "empty": lambda image: np.empty((0, 0, 3), np.uint8),
    "another size": lambda image: np.ascontiguousarray(image[:100, :90]),
    "one row": lambda image: np.ascontiguousarray(image[:1]),
    "a flat list": lambda image: image.reshape(-1),
    "four channels": lambda image: np.dstack([image, image[..., 0]]),
    "sixteen bits": lambda image: image.astype(np.uint16) * 257,
    "black": np.zeros_like,
    "white": lambda image: np.full_like(image, 255),
    "noise": lambda image: np.random.default_rng(1).integers(0, 256, image.shape, np.uint8),
    "none": lambda image: None,
    "unplugged": _raises(CameraLost("camera simulated: unplugged")),
    "no picture": _raises(CameraTimeout("camera simulated: no picture")),
    "a bad file": _raises(ImageFileError("camera simulated: damaged")),
    "a fault of the driver": _raises(ValueError("driver: index 3")),
    "no memory in the driver": _raises(MemoryError("driver")),
}


@pytest.mark.parametrize("what", PICTURES)
def test_a_camera_that_gives_what_is_no_picture_of_the_part(build: Any, what: str) -> None:
    camera = Faulty()
    with build(camera) as built:
        _parts(built, 1)
        camera.change = PICTURES[what]
        before = len(built.answers.results)
        _parts(built, 2)
        wrong = built.answers.results[before:]
        assert Verdict.PASS not in {each.verdict for each in wrong}, what
        camera.change = None
        wait_until(lambda: built.station.state in ("Ready", "SingleExecution"))
        _parts(built, 1)
        assert built.answers.results[-1].verdict is not Verdict.CANNOT_INSPECT
        _whole(built)


@contextmanager
def _no_descriptors(built: Any, record: Path) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@contextmanager
def _no_lock_file(built: Any, record: Path) -> Iterator[None]:
    for file in record.parent.glob("*.lock"):
        file.unlink()
    yield


@contextmanager
def _output_that_fails(built: Any, record: Path) -> Iterator[None]:
    built.kept.failing = True
    yield
    built.kept.failing = False


@pytest.mark.parametrize("fault", [_no_descriptors, _no_lock_file, _output_that_fails])
def test_a_station_whose_surroundings_fail(build: Any, tmp_path: Path, fault: Any) -> None:
    record = tmp_path / "parts.db"
    with build(record=record, stall_s=60.0) as built:
        _parts(built, 1)
        with fault(built, record):
            taken = sum(built.trigger() for _ in range(2))
            with suppress(AssertionError):
                built.settle(1 + taken, 3.0)
        wait_until(lambda: built.station.state in ("Ready", "SingleExecution"), 60)
        wait_until(lambda: built.station.snapshot()["answers"] >= 1 + taken, 60)
        built.trigger()
        wait_until(lambda: not built.station.snapshot()["queues"]["owed"])
        built.settle(built.station.snapshot()["triggers"])
        _whole(built)


def test_the_folder_of_pictures_is_deleted_under_a_station(build: Any, tmp_path: Path) -> None:
    with build(record=tmp_path / "parts.db") as built:
        _parts(built, 2)
        (folder,) = (path.parent for path in tmp_path.rglob(".incoming"))
        shutil.rmtree(folder)
        _parts(built, 2)
        found = built.store.parts(limit=10)
        assert len(found) == 4
        assert all(part.image and (folder / part.image).is_file() for part in found[:2])
        problems = [str(each) for each in built.store.verify()]
        assert len(problems) == 2  # what was deleted is named, and nothing else
        assert all("picture" in text and "is missing" in text for text in problems)


def _parts(built: Any, count: int) -> None:
    for _ in range(count):
        before = built.station.snapshot()["answers"]
        built.trigger()
        wait_until(lambda n=before: built.station.snapshot()["answers"] > n)


def _whole(built: Any) -> None:
    """0 lost, 0 doubled, 0 unbacked PASS, verify clean."""
    found = built.store.parts(limit=1000)
    ids = [part.trigger_id for part in found]
    assert len(set(ids)) == len(ids)
    triggers, recorded, told = built.counted()
    assert recorded == len(found)
    assert recorded >= triggers
    assert told >= triggers
    passed = [part for part in found if part.verdict is Verdict.PASS]
    assert all(part.image and part.score is not None for part in passed)
    assert built.store.verify() == []
