"""What is put into the record comes out of it, on every database."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from inspection.judgement import Judgement, Verdict
from inspection.reasons import Reason
from inspection.store import (
    NewPart,
    RecordRefused,
    Store,
    StoreDamaged,
    StoreUnavailable,
    open_store,
)
from inspection.store.filters import PartFilter

MakePart = Callable[..., NewPart]
Opened = Callable[..., Store]
MORNING = datetime(2026, 3, 5, 6, tzinfo=UTC)


def test_all_fields_come_back_as_they_went_in(opened: Opened, make_part: MakePart) -> None:
    new = make_part(
        Verdict.FAIL, serial="S-1", lot="L-1", station="press 4", trigger_id="t-1", product="nut",
        source="a/b.bmp", judged_at=MORNING,
    )  # fmt: skip
    with opened() as store:
        added = store.add(new)
    with opened(read_only=True) as store:
        read = store.part(new.part_id)
    assert read == added
    assert read.number == 1
    assert (read.part_id, read.serial, read.lot, read.station) == (
        new.part_id,
        "S-1",
        "L-1",
        "press 4",
    )
    assert (read.trigger_id, read.product, read.source) == ("t-1", "nut", "a/b.bmp")
    assert (read.verdict, read.reason, read.recipe_id) == (
        Verdict.FAIL,
        "the rim is scratched",
        "c0ffee",
    )
    assert (read.score, read.p_value, read.threshold) == (1 / 3, 0.015625, 2.5)
    assert read.regions == new.judgement.regions
    assert read.regions[0].area_mm2 == 0.1 + 0.2
    assert read.health == {"sharpness": 17.25, "mean": 0.1}
    assert read.latency_ms == {"score": 8.8, "total": 12.1}
    assert read.capture == {
        "camera": "top", "session": "monday", "sequence": 41, "frame_id": 2**40, "missed_before": 1,
        "status": "complete", "trigger_id": "t-1", "device_timestamp_ns": 2**62,
        "exposure_time_us": 1500.5, "gain_db": 0.0,
    }  # fmt: skip
    assert read.captured_at == datetime(2026, 3, 5, 12, 34, 56, 1, tzinfo=UTC)
    assert read.judged_at == MORNING
    assert read.image == f"2026/03/05/{new.part_id}.png"


def test_outlines_come_back_to_a_tenth_of_a_pixel_of_the_worst_regions(
    opened: Opened, make_part: MakePart
) -> None:
    judged = make_part(Verdict.FAIL).judgement
    outline = tuple((10 + i / 7, 20 - i / 3) for i in range(250))
    places = tuple(replace(judged.regions[0], outline=outline) for _ in range(60))
    with opened() as store:
        read = store.add(make_part(Verdict.FAIL, judgement=replace(judged, regions=places)))
    worst, last = read.regions[0], read.regions[-1]
    assert 50 <= len(worst.corners) <= 100
    assert worst.corners[:2] == ((10.0, 20.0), (10.4, 19.0))
    assert last.corners == [(3, 4), (8, 4), (8, 10), (3, 10)]
    assert sum(bool(each.outline) for each in read.regions) == 50


def test_what_is_absent_is_none(store: Store, make_part: MakePart) -> None:
    read = store.add(make_part(Verdict.CANNOT_INSPECT))
    assert (read.serial, read.lot, read.station, read.trigger_id, read.product, read.source) == (
        None,
    ) * 6
    assert (read.score, read.p_value, read.threshold) == (None, None, None)
    assert (read.captured_at, read.image, read.image_sha256, dict(read.capture)) == (
        None,
        None,
        None,
        {},
    )
    assert read.reason == "the file is damaged"
    assert store.image_path(read) is None
    assert store.verify() == []


def test_numbers_are_gapless_and_a_refused_part_takes_none(
    store: Store, make_part: MakePart
) -> None:
    first = make_part()
    assert store.add(first).number == 1
    with pytest.raises(RecordRefused, match=f"part {first.part_id} is recorded already"):
        store.add_many([make_part(), make_part(part_id=first.part_id)])
    twin = make_part()
    with pytest.raises(RecordRefused, match=f"part {twin.part_id} is recorded already"):
        store.add_many([twin, twin])
    assert [record.number for record in store.add_many([make_part(), make_part()])] == [2, 3]
    assert store.head().count == 3
    assert store.verify() == []


def test_add_many_of_none_is_none(store: Store) -> None:
    assert store.add_many([]) == []
    assert store.counts() == dict.fromkeys(Verdict, 0)


def test_numbers_that_a_database_would_bend_come_back(store: Store, make_part: MakePart) -> None:
    odd = Judgement(
        verdict=Verdict.CANNOT_INSPECT, cause=Reason("other", {"text": "dark"}), recipe_id="r",
        score=math.nan, p_value=-0.0, threshold=math.inf,
        health={"nan": math.nan, "inf": -math.inf, "tiny": 5e-324, "numpy": cast(float, np.float32(0.1))},
    )  # fmt: skip
    added = store.add(make_part(Verdict.CANNOT_INSPECT, judgement=odd))
    read = store.part(added.part_id)
    assert read is not None
    assert (read.score, read.p_value, read.threshold) == (None, 0.0, math.inf)
    assert math.isnan(read.health["nan"])
    assert (read.health["inf"], read.health["tiny"]) == (-math.inf, 5e-324)
    assert read.health["numpy"] == float(np.float32(0.1))
    assert store.verify() == []


def test_text_that_a_database_refuses_is_kept_as_escapes(store: Store, make_part: MakePart) -> None:
    source = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    read = store.add(make_part(serial="a\0b", lot="Los Ä 漢", source=source))
    assert (read.serial, read.lot, read.source) == ("a\\x00b", "Los Ä 漢", "caf\\udce9.png")
    assert store.part(read.part_id) == read
    assert store.parts(PartFilter(serial="a\0b", lot="Los Ä 漢")) == [read]
    assert store.verify() == []


@pytest.fixture
def filled(store: Store, make_part: MakePart) -> Store:
    """Twelve parts, an hour apart: 3 lots in turn, every fourth a FAIL, two stations."""
    store.add_many(
        [
            make_part(
                Verdict.FAIL if i % 4 == 3 else Verdict.PASS,
                serial=f"S{i}", lot=f"L{i % 3}", station=f"st{i % 2}",
                judged_at=MORNING + timedelta(hours=i),
            )
            for i in range(12)
        ]
    )  # fmt: skip
    return store


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({}, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ({"verdict": Verdict.FAIL}, [12, 8, 4]),
        ({"verdict": "FAIL", "lot": "L1"}, [8]),
        ({"lot": "L0", "newest_first": False}, [1, 4, 7, 10]),
        ({"serial": "S4"}, [5]),
        ({"station": "st1", "limit": 2}, [12, 10]),
        ({"since": MORNING + timedelta(hours=9)}, [12, 11, 10]),
        ({"until": MORNING + timedelta(hours=2)}, [2, 1]),
        ({"since": datetime(2026, 3, 5, 8, tzinfo=timezone(timedelta(hours=1))), "limit": 1,
          "newest_first": False}, [2]),
        ({"after_number": 4}, [3, 2, 1]),
        ({"after_number": 10, "newest_first": False}, [11, 12]),
        ({"lot": "none"}, []),
    ],
)  # fmt: skip
def test_parts_are_found(filled: Store, asked: dict[str, Any], numbers: list[int]) -> None:
    asked = dict(asked)
    paging = {
        name: asked.pop(name) for name in asked.keys() & {"after_number", "limit", "newest_first"}
    }
    found = filled.parts(PartFilter(**asked), **paging)
    assert [record.number for record in found] == numbers


def test_pages_join_without_gap_or_double(filled: Store) -> None:
    seen: list[int] = []
    after = None
    while page := filled.parts(after_number=after, limit=5):
        seen += [record.number for record in page]
        after = page[-1].number
    assert seen == list(range(12, 0, -1))


def test_counts(filled: Store) -> None:
    none = dict.fromkeys(Verdict, 0)
    assert filled.counts() == {**none, Verdict.PASS: 9, Verdict.FAIL: 3}
    assert filled.counts(PartFilter(lot="L0")) == {**none, Verdict.PASS: 3, Verdict.FAIL: 1}
    assert filled.counts(PartFilter(station="st0", since=MORNING + timedelta(hours=6))) == {
        **none,
        Verdict.PASS: 3,
    }


def test_a_limit_below_one_and_an_unknown_verdict_are_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="limit: expected 1 or more, got 0"):
        store.parts(limit=0)
    with pytest.raises(ValueError, match="'GOOD' is not a valid Verdict"):
        store.parts(PartFilter(verdict="GOOD"))
    with pytest.raises(ValueError, match="expected a time with a zone"):
        store.parts(PartFilter(since=datetime(2026, 3, 5)))


def test_events_follow_a_part(opened: Opened, make_part: MakePart) -> None:
    with opened() as store:
        part, other = store.add_many([make_part(), make_part()])
        at = MORNING + timedelta(minutes=1)
        first = store.add_event(part.part_id, "operator", "anna", detail={"verdict": "PASS"}, at=at)
        store.add_event(other.part_id, "output", "plc")
        second = store.add_event(part.part_id, "output", "plc", detail={"acknowledged": True})
        assert store.verify() == []
    with opened(read_only=True) as store:
        assert store.events(part.part_id) == [first, second]
        assert (first.number, first.kind, first.who, first.at) == (1, "operator", "anna", at)
        assert (first.detail, second.number) == ({"verdict": "PASS"}, 3)
        assert store.part(part.part_id) == part


def test_an_event_needs_a_recorded_part(store: Store) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(RecordRefused, match=f"no part '{unknown}' is recorded"):
        store.add_event(unknown, "operator", "anna")
    assert store.part(unknown) is None
    assert store.events(unknown) == []


def test_a_reader_beside_the_writer_sees_what_is_recorded(
    opened: Opened, make_part: MakePart
) -> None:
    with opened() as store, opened(read_only=True) as reader:
        assert reader.parts() == []
        added = store.add(make_part())
        assert reader.parts() == [added]
        with pytest.raises(
            StoreUnavailable, match=r"cannot add part .*: it was opened to read only"
        ):
            reader.add(make_part())


def test_a_closed_store_says_so(opened: Opened, make_part: MakePart) -> None:
    store = opened()
    store.close()
    store.close()
    with pytest.raises(StoreUnavailable, match="cannot list parts: it is closed"):
        store.parts()
    with pytest.raises(StoreUnavailable, match=r"cannot add part .*: it is closed"):
        store.add(make_part())


def test_a_row_that_cannot_be_read_is_damage(
    store: Store, make_part: MakePart, tamper: Any
) -> None:
    part = store.add(make_part())
    tamper("UPDATE parts SET verdict = 'MAYBE'")
    with pytest.raises(StoreDamaged, match="part 1: its row cannot be read .*'MAYBE'"):
        store.part(part.part_id)
    assert store.verify() == ["part 1: changed; its hash does not match its fields"]


def test_a_plain_path_makes_folders_and_puts_pictures_beside(
    tmp_path: Path, make_part: MakePart
) -> None:
    path = tmp_path / "new folder" / "ä#?%20" / "parts.db"
    with open_store(path) as store:
        part = store.add(make_part())
        assert store.image_path(part) == path.parent / "parts.images" / str(part.image)
    with open_store(str(path), read_only=True) as store:
        assert store.parts() == [part]
        assert store.verify() == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"part_id": "../../x"}, "NewPart.part_id: expected a UUID in lower case .* got '../../x'"),
        (
            {"image_suffix": "/x"},
            "NewPart.image_suffix: expected a suffix such as '.png', got '/x'",
        ),
        ({"judged_at": datetime(2026, 3, 5)}, "NewPart.judged_at: expected a time with a zone"),
        ({"frame": None}, "NewPart.frame: expected a frame or image_bytes with the verdict PASS"),
    ],
)
def test_a_wrong_new_part_names_its_field(
    make_part: MakePart, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_part(**fields)


def test_importing_the_store_loads_no_heavy_library() -> None:
    script = "import sys, inspection.store; print(*{'torch', 'cv2', 'pandas'} & sys.modules.keys())"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "\n"
