"""Pictures go by rule only, each with an event first; rows stay, and verify tells rule from thief."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inspection.judgement import Verdict
from inspection.store import (
    NewPart,
    PartRecord,
    RetentionPolicy,
    Store,
    StoreUnavailable,
    retain,
)
from inspection.store.retention import clock_doubt

MakePart = Callable[..., NewPart]
Opened = Callable[..., Store]
NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)


def _kept(store: Store) -> list[int]:
    records = store.parts(limit=1000, newest_first=False)
    return [r.number for r in records if (path := store.image_path(r)) and path.is_file()]


@pytest.fixture
def filled(store: Store, make_part: MakePart) -> Store:
    """Twelve parts, a day apart, the last one just now; every fourth a reject, one has no picture."""
    verdicts = [Verdict.FAIL if n % 4 == 0 else Verdict.PASS for n in range(1, 12)]
    store.add_many(
        [
            make_part(verdict, judged_at=NOW - timedelta(days=11 - place))
            for place, verdict in enumerate([*verdicts, Verdict.CANNOT_INSPECT])
        ]
    )
    return store


def test_rejects_stay_n_days_and_every_kth_pass_stays(filled: Store) -> None:
    done = retain(filled, RetentionPolicy(rejects_days=5, keep_every=3), NOW)
    # Passes are 1 2 3 5 6 7 9 10 11, every third of them 3 7 11; rejects are 4 (8 days old) and 8.
    assert _kept(filled) == [3, 7, 8, 11]
    assert done.removed == {"keep_every": 6, "rejects_days": 1}
    assert (done.repaired, done.short) == (0, False)
    assert done.freed_bytes > 7 * 24 * 24
    assert filled.verify() == []
    assert filled.head().count == 12
    again = retain(filled, RetentionPolicy(rejects_days=5, keep_every=3), NOW)
    assert (again.removed, again.freed_bytes) == ({"keep_every": 0, "rejects_days": 0}, 0)


def test_each_removal_is_an_event(filled: Store) -> None:
    retain(filled, RetentionPolicy(rejects_days=8), NOW)
    (part,) = [part for part in filled.parts() if part.number == 4 or part.number == 8][1:]
    assert filled.events(part.part_id) == []  # exactly n days is not more than n days
    retain(filled, RetentionPolicy(rejects_days=7.9), NOW)
    (event,) = filled.events(part.part_id)
    assert (event.kind, event.who, event.at) == ("picture_removed", "retention", NOW)
    assert event.detail == {
        "rule": "rejects_days", "image": part.image, "image_sha256": part.image_sha256,
    }  # fmt: skip


def test_nothing_is_removed_without_a_rule(filled: Store) -> None:
    done = retain(filled, RetentionPolicy(), NOW)
    assert (done.removed, len(_kept(filled))) == ({}, 11)


@pytest.mark.parametrize("kind", ["label", "study", "release"])
def test_a_picture_that_is_referred_to_stays(filled: Store, kind: str) -> None:
    parts = {part.number: part for part in filled.parts()}
    filled.add_event(parts[4].part_id, kind, "anna")
    filled.add_event(parts[8].part_id, "operator", "anna")
    retain(filled, RetentionPolicy(rejects_days=0), NOW)
    assert _kept(filled) == [1, 2, 3, 4, 5, 6, 7, 9, 10, 11]


def test_a_picture_younger_than_an_hour_or_not_delivered_stays(
    store: Store, make_part: MakePart
) -> None:
    ages = [timedelta(minutes=59), timedelta(minutes=61), timedelta(days=9)]
    records = store.add_many([make_part(Verdict.FAIL, judged_at=NOW - age) for age in ages])
    waiting = store.add(make_part(Verdict.FAIL, judged_at=NOW - ages[-1]), deliver_to=["webhook"])
    retain(store, RetentionPolicy(rejects_days=0), NOW)
    assert _kept(store) == [records[0].number, waiting.number]
    store.mark_delivered("webhook", [waiting.part_id])
    retain(store, RetentionPolicy(rejects_days=0), NOW)
    assert _kept(store) == [1]


def test_below_the_floor_kept_passes_go_the_oldest_first_and_rejects_stay(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {
        part.number: path.stat().st_size
        for part in filled.parts()
        if (path := filled.image_path(part))
    }
    lacking = sizes[1] + sizes[2] + 1  # three pictures must go
    whole = sum(sizes.values())

    def usage(folder: Path) -> Any:
        used = sum(path.stat().st_size for path in folder.rglob("*.png"))
        return shutil._ntuple_diskusage(whole, used, 10**9 - lacking + whole - used)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    done = retain(filled, RetentionPolicy(free_gb=1.0), NOW)
    assert (done.removed, done.short) == ({"free_gb": 3}, False)
    assert _kept(filled) == [4, 5, 6, 7, 8, 9, 10, 11]
    done = retain(filled, RetentionPolicy(free_gb=2.0), NOW)
    assert (done.removed, done.short) == ({"free_gb": 6}, True)
    assert _kept(filled) == [4, 8]
    assert filled.verify() == []


def test_a_dry_run_counts_the_same_and_changes_nothing(filled: Store, opened: Opened) -> None:
    policy = RetentionPolicy(rejects_days=5, keep_every=3, free_gb=1e9)
    with opened(read_only=True) as reader:
        planned = retain(reader, policy, NOW, dry_run=True)
        assert len(_kept(reader)) == 11
    done = retain(filled, policy, NOW)
    assert (planned.removed, planned.freed_bytes) == (done.removed, done.freed_bytes)
    assert planned.removed == {"keep_every": 6, "rejects_days": 1, "free_gb": 3}
    with opened(read_only=True) as reader, pytest.raises(StoreUnavailable, match="read only"):
        filled.add_event(filled.parts()[-1].part_id, "operator", "anna")
        reader.add_event(filled.parts()[-1].part_id, "operator", "anna")


def test_a_crash_between_event_and_removal_is_mended_by_the_next_run(
    filled: Store, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(images: list[str]) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(
            "inspection.store.pictures.archive.Archive.remove", lambda self, images: crash(images)
        )
        with pytest.raises(KeyboardInterrupt):
            retain(filled, RetentionPolicy(rejects_days=5), NOW)
    assert len(_kept(filled)) == 11
    assert filled.verify() == []
    done = retain(filled, RetentionPolicy(rejects_days=5), NOW)
    assert (done.removed, done.repaired) == ({"rejects_days": 0}, 1)
    assert 4 not in _kept(filled)
    assert filled.verify() == []
    (old,) = [part for part in filled.parts() if part.number == 4]
    assert len(filled.events(old.part_id)) == 1


def test_a_disk_that_refuses_to_remove_is_a_store_error(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as denied:
        denied.setattr(Path, "unlink", refused)
        with pytest.raises(StoreUnavailable, match="could not remove pictures by rule: it is not"):
            retain(filled, RetentionPolicy(rejects_days=5), NOW)
    assert retain(filled, RetentionPolicy(rejects_days=5), NOW).repaired == 1


def test_verify_tells_a_thief_from_a_rule(filled: Store, tamper: Any) -> None:
    retain(filled, RetentionPolicy(rejects_days=5), NOW)
    stolen: PartRecord = next(part for part in filled.parts() if part.number == 5)
    path = filled.image_path(stolen)
    assert path is not None
    path.unlink()
    missing = f"part 5: picture {stolen.image} is missing"
    assert filled.verify() == [missing]
    # Working state is no proof: only the event counts, and it is under the hash.
    tamper("INSERT INTO removals (number, done) VALUES (5, 1)")
    assert filled.verify() == [missing]
    tamper("DELETE FROM events")
    assert "event 1: missing; it was removed from the end" in filled.verify()


def test_a_picture_put_back_changed_is_found(filled: Store) -> None:
    retain(filled, RetentionPolicy(rejects_days=5), NOW)
    part = next(part for part in filled.parts() if part.number == 4)
    path = filled.image_path(part)
    assert path is not None
    path.write_bytes(b"another")
    assert filled.verify() == [
        f"part 4: picture {part.image} was changed; its sha256 does not match"
    ]


def test_many_pictures_are_removed_in_batches(store: Store, make_part: MakePart) -> None:
    store.add_many(
        [make_part(image_bytes=b"x", judged_at=NOW - timedelta(days=2)) for _ in range(450)]
    )
    assert retain(store, RetentionPolicy(keep_every=100), NOW).removed == {"keep_every": 446}
    assert _kept(store) == [100, 200, 300, 400]
    assert store.verify() == []


@pytest.mark.parametrize(
    ("field", "value", "least"),
    [("rejects_days", -1, 0), ("keep_every", 0, 1), ("free_gb", float("nan"), 0)],
)
def test_a_wrong_policy_names_its_field(field: str, value: float, least: int) -> None:
    message = f"RetentionPolicy.{field}: expected {least} or more, got {value}"
    with pytest.raises(ValueError, match=message):
        RetentionPolicy(**{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("days", "doubted"),
    [
        ([0.0, -1.0, -2.0, -3.0, -8.0], True),  # a rest of five days, four days of parts since
        ([0.0, -1.0, -3.0, -6.0, -9.0], False),
        ([0.0, -400.0], True),  # the clock jumped a year ahead
        ([-5.0], True),
        ([3.0, 0.0], True),  # it was ahead, and is right again
        ([], False),
        ([-1.0], False),
    ],
)
def test_age_is_not_believed_after_a_gap(
    store: Store, make_part: MakePart, days: list[float], doubted: bool
) -> None:
    for day in sorted(days):
        at = NOW + timedelta(days=day)
        store.add(make_part(judged_at=at))
    doubt = clock_doubt(store, NOW)
    assert (doubt is not None) is doubted, doubt
