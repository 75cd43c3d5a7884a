"""A picture is whole, on the disk before its row is, and the same as it was taken."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cameras.base import Frame
from inspection.judgement import Verdict
from inspection.store import NewPart, Store, StoreDamaged, open_store
from inspection.store.archive import Archive

MakePart = Callable[..., NewPart]


@pytest.mark.parametrize("shape", [(31, 17, 3), (31, 17), (1, 1)])
def test_a_picture_is_lossless(store: Store, make_part: MakePart, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    first = make_part()
    assert first.frame is not None
    frame = Frame(image=image, camera="c", sequence=0, captured_at=first.frame.captured_at)
    record = store.add(make_part(frame=frame))
    path = store.image_path(record)
    assert path is not None
    read = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert read is not None
    assert np.array_equal(read if len(shape) == 2 else read[..., ::-1], image)
    assert record.image_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_given_bytes_are_kept_as_they_are(store: Store, make_part: MakePart) -> None:
    data = b"BM not even a picture"
    record = store.add(
        make_part(Verdict.CANNOT_INSPECT, image_bytes=data, image_suffix=".bmp", source="a.bmp")
    )
    path = store.image_path(record)
    assert path is not None
    assert (path.name, path.read_bytes()) == (f"{record.part_id}.bmp", data)
    assert store.verify() == []


def test_the_picture_is_synced_before_the_row_exists(
    store: Store, images: Path, make_part: MakePart, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, int]] = []
    really = os.fsync

    def fsync(handle: int) -> None:
        really(handle)
        name = os.readlink(f"/proc/self/fd/{handle}")
        name = re.sub(r"\.[0-9a-f]{32}\.part$", ".part", name)
        synced.append((name, raw("SELECT count(*) FROM parts")[0][0]))

    monkeypatch.setattr(os, "fsync", fsync)
    record = store.add(make_part())
    day = (images / str(record.image)).parent
    folders = [images, day.parent.parent, day.parent]
    expected = [*folders, day / f".{record.part_id}.png.part", day]
    assert synced == [(str(path), 0) for path in expected]
    again = store.add(make_part(judged_at=record.judged_at))
    expected = [day / f".{again.part_id}.png.part", day]
    assert synced[5:] == [(str(path), 1) for path in expected]
    assert raw("SELECT count(*) FROM parts")[0][0] == 2


def test_a_refused_batch_leaves_no_picture(
    store: Store, images: Path, make_part: MakePart, tamper: Any
) -> None:
    kept = store.add(make_part())
    tamper("DROP TABLE events", "ALTER TABLE chain RENAME TO gone")
    with pytest.raises(Exception, match="could not add part"):
        store.add_many([make_part(), make_part()])
    assert [path.name for path in images.rglob("*") if path.is_file()] == [f"{kept.part_id}.png"]


def test_verify_finds_a_changed_a_missing_and_a_stray_picture(
    store: Store, images: Path, make_part: MakePart
) -> None:
    changed, missing, _good = store.add_many([make_part() for _ in range(3)])
    (images / str(changed.image)).write_bytes(b"other")
    (images / str(missing.image)).unlink()
    stray, young = images / "2020" / "stray.png", images / "young.png"
    stray.parent.mkdir()
    stray.write_bytes(b"")
    young.write_bytes(b"")
    os.utime(stray, (time.time() - 61, time.time() - 61))
    assert store.verify() == [
        f"part 1: picture {changed.image} was changed; its sha256 does not match",
        f"part 2: picture {missing.image} is missing",
        "picture 2020/stray.png: no part names it; harmless after a crash, otherwise its row was removed",
    ]
    assert store.verify(pictures=False) == []


def test_a_row_cannot_lead_out_of_the_archive(
    store: Store, images: Path, make_part: MakePart, tamper: Any
) -> None:
    part = store.add(make_part())
    tamper("UPDATE parts SET image = '../secret.png'")
    moved = store.part(part.part_id)
    assert moved is not None
    with pytest.raises(StoreDamaged, match=r"image '\.\./secret\.png' lies outside the archive"):
        store.image_path(moved)
    assert (
        f"part 1: image '../secret.png' lies outside the archive {images}; run verify"
        in store.verify()
    )


def test_an_archive_may_move_with_its_database(tmp_path: Path, make_part: MakePart) -> None:
    with open_store(tmp_path / "here" / "parts.db") as store:
        store.add(make_part())
    (tmp_path / "here").rename(tmp_path / "there")
    with open_store(tmp_path / "there" / "parts.db", read_only=True) as store:
        assert store.verify() == []
        assert len(store.parts()) == 1


def test_a_file_that_goes_away_while_we_look_is_no_orphan(tmp_path: Path) -> None:
    (tmp_path / "dangling.png").symlink_to(tmp_path / "gone")
    assert Archive(tmp_path).orphans(set()) == []
