"""Broken uploads, a full disk, a recipe replaced under a running station."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest

from cameras import Frame
from cameras.folder import Folder
from cameras.simulated import Simulated
from inspection.judgement import Verdict
from tests.station.conftest import wait_until


def encoded(image: Any) -> bytes:
    return bytes(cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1])


def test_a_broken_upload_is_a_part_that_was_not_inspected(
    build: Any,
    line: Any,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()
    camera = Folder(path=folder, watch=True, stable_s=0.1, pattern="*.png")
    with build(camera, trigger="camera") as built:
        whole = encoded(line.good(1))
        (folder / "1.png").write_bytes(whole)
        wait_until(lambda: sum(built.store.counts().values()) == 1)
        (folder / "2.png").write_bytes(whole[: len(whole) // 2])
        wait_until(lambda: sum(built.store.counts().values()) == 2)
        (folder / "3.png").write_bytes(encoded(line.good(2)))
        wait_until(lambda: sum(built.store.counts().values()) == 3)
        built.settle(3)
        first, second, third = built.store.parts(newest_first=False)
        assert first.verdict is not Verdict.CANNOT_INSPECT
        assert second.verdict is Verdict.CANNOT_INSPECT
        assert "2.png" in second.reason
        assert third.verdict is not Verdict.CANNOT_INSPECT
        assert built.counted() == (3, 3, 3)


def test_a_recipe_replaced_while_running_changes_nothing_until_the_next_start(
    line: Any, tmp_path: Path
) -> None:
    from inspection.launch import station_at_work
    from inspection.plant.messages import TriggerRequest
    from inspection.station.station_file import read_station

    recipe = tmp_path / "flange.recipe"
    shutil.copy(line.recipe_path, recipe)
    path = tmp_path / "station.toml"
    path.write_text(
        'station = "s"\nrecord = "parts.db"\n[[views]]\ncamera = "simulated"\n'
        "settings = { size_px = 256 }\n"
        '[[products]]\nname = "flange"\nrecipe = "flange.recipe"\n',
        encoding="utf-8",
    )
    with station_at_work(read_station(path)) as station:
        station.trigger(TriggerRequest(source="test"))
        wait_until(lambda: station.snapshot()["answers"] == 1)
        recipe.write_bytes(b"half a recipe")
        station.trigger(TriggerRequest(source="test"))
        wait_until(lambda: station.snapshot()["answers"] == 2)
        first, second = station.store.parts()
        assert first.recipe_id == second.recipe_id == line.trained["recipe_id"]
        assert Verdict.CANNOT_INSPECT not in (first.verdict, second.verdict)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(
            f"NOT TESTED on a full disk: mounting one is not allowed: {done.stderr.strip()}"
        )
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_stops_passes_and_loses_nothing(build: Any, small_disk: Path) -> None:
    fill = small_disk / "fill"
    with build(record=small_disk / "parts.db", deadline_ms=800.0, stall_s=120.0) as built:
        assert built.trigger()
        built.settle(1)
        taken, refused = 1, 0
        with fill.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            while True:
                assert file.write(bytes(4096))
        for _ in range(3):
            if built.trigger():
                taken += 1
            else:
                refused += 1
        wait_until(lambda: len(built.answers.results) == taken)
        assert all(result.reject for result in built.answers.results[1:])
        assert built.station.state == "Error"
        fill.unlink()
        wait_until(lambda: built.station.state == "Ready", 60)
        wait_until(lambda: sum(built.store.counts().values()) == taken + refused, 60)
        assert built.store.counts().get(Verdict.PASS, 0) <= 1
        assert built.store.verify() == []
        assert built.trigger()
        built.settle(taken + 1)


@pytest.mark.parametrize("late_in", ["camera", "judging", "handing over"])
def test_a_part_rejected_as_late_leaves_no_picture_that_nobody_names(
    build: Any, monkeypatch: pytest.MonkeyPatch, late_in: str
) -> None:
    from inspection.station.recorder import Recorder
    from inspection.store.pictures import archive

    monkeypatch.setattr(archive, "_ORPHAN_AGE_S", -60.0)

    class Slow(Simulated):
        def read(self, **wanted: Any) -> Frame:
            if late_in == "camera":
                time.sleep(0.5)
            return super().read(**wanted)

    with build(Slow(size_px=256, defect_rate=0.0), deadline_ms=250.0) as built:
        if late_in == "judging":
            view = built.station.views[0]
            judge = view.judge
            monkeypatch.setattr(view, "judge", lambda *given: (time.sleep(0.5), judge(*given))[1])
        if late_in == "handing over":
            encode = Recorder.stage
            monkeypatch.setattr(
                Recorder, "stage", lambda *given: (time.sleep(0.5), encode(*given))[1]
            )
        for number in range(4):
            assert built.trigger()
            built.settle(number + 1)
            time.sleep(0.5)
        assert all(result.reject for result in built.answers.results)
        assert built.store.verify() == []
        assert built.counted() == (4, 4, 4)
    assert not list((built.store.archive.root / ".incoming").iterdir())
