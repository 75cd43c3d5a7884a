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
from inspection.store import NewPart, RecordRefused, Store, StoreDamaged, open_store
from inspection.store.pictures.archive import Archive

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
        name = re.sub(r"-[0-9a-f]{32}$", "", name)
        synced.append((name, raw("SELECT count(*) FROM parts")[0][0]))

    monkeypatch.setattr(os, "fsync", fsync)
    record = store.add(make_part())
    day = (images / str(record.image)).parent
    folders = [images, day.parent.parent, day.parent]
    incoming, written = images / ".incoming", f"{record.judged_at:%Y-%m-%d}-png"
    expected = [*folders, incoming / f"{record.part_id}.{written}", day]
    assert synced == [(str(path), 0) for path in expected]
    again = store.add(make_part(judged_at=record.judged_at))
    expected = [incoming / f"{again.part_id}.{written}", day]
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


def _files(images: Path) -> list[str]:
    return sorted(str(path.relative_to(images)) for path in images.rglob("*") if path.is_file())


def test_what_a_crash_left_is_cleared_and_noted_and_nothing_else(
    opened: Callable[..., Store], images: Path, make_part: MakePart
) -> None:
    lost, unfinished, placed, other = (make_part() for _ in range(4))
    with opened() as store:
        kept = store.add(make_part())
        gone = store.stage(lost.part_id, b"its row was never written")
        half = store.stage(unfinished.part_id, b"not yet at its place")
        (images / half.image).unlink()
        theirs = store.stage(placed.part_id, b"the row names another file")
        (images / theirs.image).unlink()
        (images / theirs.image).write_bytes(b"put here by somebody")
        # The crash came between the commit and the end of the name in the folder they come in.
        staged = store.stage(other.part_id, b"judged")
        aside = staged.aside.read_bytes()
        done = store.add(make_part(part_id=other.part_id, staged=staged))
        os.link(images / str(done.image), staged.aside)
        assert aside == b"judged"
        (images / ".incoming" / "notes.txt").write_text("not ours")
    with opened() as store:
        assert _files(images) == sorted(
            [".incoming/notes.txt", str(kept.image), theirs.image, str(done.image)]
        )
        (note,) = store.actions()
        assert (note.kind, note.who, dict(note.detail)) == (
            "pictures_cleared", "store", {"pictures": [gone.image]},
        )  # fmt: skip
        for name in _files(images):
            os.utime(images / name, (time.time() - 61, time.time() - 61))
        harmless = "no part names it; harmless after a crash, otherwise its row was removed"
        assert store.verify() == [
            f"picture {name}: {harmless}" for name in (".incoming/notes.txt", theirs.image)
        ]


def test_a_store_that_is_read_is_not_cleared(
    opened: Callable[..., Store], images: Path, make_part: MakePart
) -> None:
    with opened() as store:
        picture = store.stage(make_part().part_id, b"a picture")
        with opened(read_only=True) as reader:
            assert reader.actions() == []
        assert picture.aside.read_bytes() == (images / picture.image).read_bytes() == b"a picture"


def test_a_staged_picture_is_the_parts_and_written_anew_where_it_was_cleared(
    store: Store, images: Path, make_part: MakePart
) -> None:
    first, second = make_part(), make_part()
    staged = store.stage(first.part_id, b"first")
    record = store.add(make_part(part_id=first.part_id, staged=staged))
    assert (record.image, record.image_sha256) == (
        staged.image,
        hashlib.sha256(b"first").hexdigest(),
    )
    assert not staged.aside.exists()
    cleared = store.stage(second.part_id, b"second")
    for path in (cleared.aside, images / cleared.image):
        path.unlink()
    store.add(make_part(part_id=second.part_id, staged=cleared))
    assert store.verify() == []
    assert len(_files(images)) == 2


def test_a_picture_never_takes_the_place_of_another(
    store: Store, images: Path, make_part: MakePart
) -> None:
    kept = store.add(make_part())
    with pytest.raises(RecordRefused):
        store.add(make_part(part_id=kept.part_id))
    assert _files(images) == [kept.image]
    new = make_part()
    first = store.stage(new.part_id, b"of an attempt that failed")
    record = store.add(make_part(part_id=new.part_id))
    assert record.image is not None
    assert (images / first.image).read_bytes() == b"of an attempt that failed"
    assert re.fullmatch(rf".*/{new.part_id}~[0-9a-f]{{32}}\.png", record.image)
    assert store.verify() == []


def test_a_disk_without_links_keeps_pictures_too(
    store: Store, images: Path, make_part: MakePart, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: Any) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", none)
    record = store.add(make_part())
    assert _files(images) == [record.image]
    assert store.verify() == []


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
