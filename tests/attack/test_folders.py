"""What others put into folders: names and contents of a watched folder, tables of parts, and a station's
options of reports and messages."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cameras import CameraError, CameraTimeout, ImageFileError
from cameras.folder import Folder
from inspection.errors import InspectionError, SetupError
from inspection.monitoring.source import opened
from inspection.station.station_file import read_station
from tests.attack.mutate import mutated

pytestmark = pytest.mark.slow
FILES, TABLES, OPTIONS = 2_000, 1_500, 2_000
AT_ONCE = 40
NAMES = (b"part 0001.png", "부품-1.jpg".encode(), b"a.tif", b".hidden.bmp", b"x.png.png")


def test_a_watched_folder(tmp_path: Path, figures: Any) -> None:
    image = np.random.default_rng(1).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    seeds = [cv2.imencode(end, image)[1].tobytes() for end in (".jpg", ".png", ".tif", ".bmp")]
    names, contents = mutated(NAMES, FILES, seed=80), mutated(seeds, FILES, seed=81)
    folder = tmp_path / "in"
    folder.mkdir()
    camera = Folder(path=folder, watch=True, stable_s=0.0, after="delete")
    camera.open()
    read = refused = written = 0
    for number in range(FILES // AT_ONCE):
        for _ in range(AT_ONCE):
            name = next(names).replace(b"/", b"_").replace(b"\0", b"")[:240] or b"x"
            with suppress(OSError):
                (folder / os.fsdecode(name + b".png" * (written % 2))).write_bytes(next(contents))
                written += 1
        _strange(folder, number)
        for _ in range(3 * AT_ONCE):
            try:
                frame = camera.read(timeout_s=0.01)
            except CameraTimeout:
                break
            except (ImageFileError, CameraError) as error:
                assert len(str(error).splitlines()) == 1
                refused += 1
            else:
                assert frame.image.dtype == np.uint8
                read += 1
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
    (folder / "good.png").write_bytes(seeds[1])
    assert np.array_equal(cv2.cvtColor(camera.read(timeout_s=5.0).image, cv2.COLOR_RGB2BGR), image)
    camera.close()
    assert refused > FILES // 8
    figures(f"watched folder: {written} files, {read} read, {refused} refused in one line")


def _strange(folder: Path, number: int) -> None:
    """What is no file, and links that lead away."""
    (folder / f"folder{number}.png").mkdir()
    os.mkfifo(folder / f"pipe{number}.png")
    (folder / f"zero{number}.png").symlink_to("/dev/zero")
    (folder / f"loop{number}.png").symlink_to(folder / f"loop{number}.png")
    (folder / f"gone{number}.png").symlink_to(folder / "nothing.png")


def test_tables_of_parts(tmp_path: Path, figures: Any) -> None:
    table = (
        "number,judged_at,verdict,recipe_id,score,health\n"
        + "".join(
            f'{n},2026-03-0{n}T08:00:00+00:00,PASS,r1,{n / 7},"{{""sharpness"": {n}}}"\n' for n in range(1, 6)
        )
    ).encode()  # fmt: skip
    path = tmp_path / "parts.csv"
    read = refused = 0
    for data in mutated([table], TABLES, seed=82):
        path.write_bytes(data)
        try:
            with opened(str(path)) as rows:
                read += sum(1 for _ in rows())
        except InspectionError as error:
            assert len(str(error).splitlines()) == 1
            refused += 1
    assert refused
    figures(f"tables of parts: {TABLES} malformed, {refused} refused in one line, {read} rows read")


STATION = """
station = "line-1"
record = "parts.db"
shifts = ["06:00", "14:00", "22:00"]
[[views]]
name = "main"
camera = "simulated"
[[products]]
name = "flange"
recipe = "flange.recipe"
[monitor]
good = 200
[report]
at = ["06:00", "14:00"]
folder = "reports"
kinds = ["html", "pdf"]
[outputs.webhook]
url = "http://127.0.0.1:9/hook"
"""


def test_options_of_reports_and_messages(tmp_path: Path, figures: Any) -> None:
    path = tmp_path / "station.toml"
    head, _, tail = STATION.partition("[monitor]")
    read = refused = 0
    for data in mutated([("[monitor]" + tail).encode()], OPTIONS, seed=83):
        path.write_bytes(head.encode() + data)
        try:
            read_station(path)
            read += 1
        except SetupError as error:
            assert len(str(error).splitlines()) == 1
            refused += 1
    assert read
    figures(f"report and message options: {OPTIONS} malformed, {refused} refused in one line")
