"""How fast parts are recorded with their pictures, and found again among a million.

    python benchmarks/store.py [--store PATH_OR_URL] [--images DIR] [--rows 1000000] [--seconds 5]

The store must not exist yet; without --store it is a file in a temporary folder. Pictures are 512 x 512
in colour, drawn by the simulated camera. The rows of the search have none.
"""

from __future__ import annotations

import argparse
import itertools
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import cv2
import numpy as np

from cameras.base import Frame
from cameras.simulated import Simulated
from inspection.judgement import Judgement, Region, Verdict
from inspection.store import (
    NewPart,
    PartRecord,
    RetentionPolicy,
    Store,
    encode_picture,
    open_store,
    retain,
)
from inspection.store.append import append
from inspection.store.filters import ALL_PARTS, PartFilter, Prefix
from inspection.store.reading import export as records
from inspection.store.records import part_row
from inspection.store.schema import parts

START = datetime(2026, 1, 5, 6, tzinfo=UTC)


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        where = options.store or str(Path(folder, "parts.db"))
        images = options.images or Path(folder, "images")
        frames = _frames(8)
        _encoding(frames)
        with open_store(where, images=images) as store:
            _recording(store, frames, options.seconds)
            if options.rows:
                _filling(store, options.rows)
                _finding(store)
                _going_through(store, Path(folder))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", help="path or URL of a store that does not exist yet")
    parser.add_argument("--images", type=Path, help="folder for its pictures")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="time for each kind of recording"
    )
    return parser.parse_args()


def _frames(count: int) -> list[Frame]:
    with Simulated(seed=1, size_px=512, count=count) as camera:
        return [camera.read(timeout_s=5.0) for _ in range(count)]


def _encoding(frames: Sequence[Frame]) -> None:
    filters = {"none": 8, "sub": 16, "up": 32}
    for name, value in filters.items():
        for level in (0, 1):
            options = [
                cv2.IMWRITE_PNG_COMPRESSION, level, cv2.IMWRITE_PNG_FILTER, value,
                cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY,
            ]  # fmt: skip
            _encoded(f"level {level}, filter {name}", frames, _by(options))
    _encoded("encode_picture", frames, encode_picture)


def _by(options: Sequence[int]) -> Callable[[Frame], bytes]:
    return lambda frame: cv2.imencode(".png", frame.image[..., ::-1], options)[1].tobytes()


def _encoded(name: str, frames: Sequence[Frame], encode: Callable[[Frame], bytes]) -> None:
    times, sizes = [], []
    for frame in [*frames, *frames]:
        begun = time.perf_counter()
        sizes.append(len(encode(frame)))
        times.append((time.perf_counter() - begun) * 1000)
    print(f"PNG {name}: {statistics.median(times):.1f} ms, {statistics.mean(sizes) / 1e3:.0f} kB")


def _recording(store: Store, frames: Sequence[Frame], seconds: float) -> None:
    pictures = [encode_picture(frame) for frame in frames]
    given = ({"image_bytes": picture} for picture in itertools.cycle(pictures))
    taken = ({"frame": frame} for frame in itertools.cycle(frames))
    to = ("mqtt",)
    for name, source in (("encoded bytes", given), ("frames", taken)):
        made = (_part(**each) for each in source)
        _rate(f"add, {name}", seconds, 1, lambda made=made: store.add(next(made)))
        for size in (16, 64):
            _rate(
                f"add_many of {size}, {name}",
                seconds,
                size,
                lambda made=made, size=size: store.add_many(list(itertools.islice(made, size))),
            )
    made = (_part(**each) for each in given)
    _rate("add, encoded bytes, outbox", seconds, 1, lambda: store.add(next(made), deliver_to=to))
    _staged(store, frames[0], pictures)
    _threads(store, pictures, seconds)
    ids = itertools.count()
    _rate("note_trigger", seconds, 1, lambda: _note(store, f"t-{next(ids)}"))
    waiting = iter([record.part_id for record in store.undelivered("mqtt", limit=10_000)])
    _rate("mark_delivered", 1.0, 1, lambda: store.mark_delivered("mqtt", [next(waiting, "")]))


def _staged(store: Store, frame: Frame, pictures: Sequence[bytes]) -> None:
    """Add parts whose pictures were put on the disk while they were judged, as a station does."""
    times = []
    for picture in itertools.islice(itertools.cycle(pictures), 200):
        part_id = str(uuid4())
        staged = store.stage(part_id, picture)
        new = _part(part_id=part_id, frame=frame, staged=staged)
        begun = time.perf_counter()
        store.add(new)
        times.append((time.perf_counter() - begun) * 1000)
    print(f"add, picture staged before: each call {_spread(times)}")


def _note(store: Store, trigger_id: str) -> None:
    store.note_trigger(trigger_id, station="press", source="plc", at=START)


def _threads(store: Store, pictures: Sequence[bytes], seconds: float) -> None:
    end = time.monotonic() + seconds

    def work(number: int) -> int:
        done = 0
        while time.monotonic() < end:
            store.add(_part(image_bytes=pictures[number % len(pictures)]))
            done += 1
        return done

    with ThreadPoolExecutor(8) as pool:
        total = sum(pool.map(work, range(8)))
    print(f"add from 8 threads, encoded bytes: {total / seconds:.0f} parts/s")


def _rate(name: str, seconds: float, size: int, work: Callable[[], Any]) -> None:
    times: list[float] = []
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    rate = len(times) * size / (time.perf_counter() - begun)
    print(f"{name}: {rate:.0f}/s; each call {_spread(times)}")


def _filling(store: Store, rows: int) -> None:
    begun = time.perf_counter()
    made = _numbered(rows)
    while batch := list(itertools.islice(made, 5000)):
        with store.writing("fill it") as connection:
            append(connection, parts, [part_row(new, "none.png", "0" * 64) for new in batch])
    seconds = time.perf_counter() - begun
    with store.writing("gather statistics, as the server does by itself in time") as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ANALYZE parts")
    print(f"{rows} rows without pictures, 5000 a commit: {rows / seconds:.0f}/s")


def _numbered(rows: int) -> Iterator[NewPart]:
    chance = random.Random(1)
    for number in range(rows):
        yield _part(
            Verdict.FAIL if chance.random() < 0.02 else Verdict.PASS,
            image_bytes=b"x", serial=f"S{number}", lot=f"L{number // 5000}", station=f"st{number % 2}",
            trigger_id=f"fill-{number}", judged_at=START + timedelta(seconds=number),
        )  # fmt: skip


def _finding(store: Store) -> None:
    rows = store.head().count
    lots = [f"L{number}" for number in range(rows // 5000)]
    chance = random.Random(2)

    def lot() -> dict[str, Any]:
        return {"lot": chance.choice(lots)}

    def span(**length: int) -> dict[str, Any]:
        since = START + timedelta(seconds=chance.randrange(rows))
        return {"since": since, "until": since + timedelta(**length)}

    def deep() -> dict[str, Any]:
        return {"after_number": chance.randrange(2, rows)}

    pages: dict[str, Callable[[], dict[str, Any]]] = {
        "a lot": lot,
        "PASS, anywhere": lambda: {"verdict": "PASS", **deep()},
        "FAIL, anywhere": lambda: {"verdict": "FAIL", **deep()},
        "REVIEW, of which there is none": lambda: {"verdict": "REVIEW"},
        "a lot and FAIL": lambda: {"verdict": "FAIL", **lot()},
        "a station, anywhere": lambda: {"station": "st1", **deep()},
        "lots that begin so": lambda: {"lot": Prefix("L1")},
        "a zone, anywhere": lambda: {"zone": "rim", **deep()},
        "a serial": lambda: {"serial": f"S{chance.randrange(rows)}"},
        "an hour": lambda: span(hours=1),
        "a day": lambda: span(days=1),
        "a day and FAIL": lambda: {"verdict": "FAIL", **span(days=1)},
        "since the beginning": lambda: {"since": START},
        "the first days": lambda: {"until": START + timedelta(days=3)},
    }
    for name, ask in pages.items():
        _asked(f"page of 50, {name}", lambda ask=ask: _page(store, **ask()))
    _asked("counts, all", store.counts, 10)
    _asked("counts, a lot", lambda: store.counts(PartFilter(**lot())))
    _asked("counts, a station", lambda: store.counts(PartFilter(station="st1")), 10)
    _asked("counts, a day", lambda: store.counts(PartFilter(**span(days=1))))
    _asked(
        "counts, a station and a day",
        lambda: store.counts(PartFilter(station="st0", **span(days=1))),
    )


def _page(store: Store, *, after_number: int | None = None, **asked: Any) -> list[PartRecord]:
    return store.parts(PartFilter(**asked), after_number=after_number)


def _going_through(store: Store, folder: Path) -> None:
    rows = store.head().count
    begun = time.perf_counter()
    policy = RetentionPolicy(rejects_days=1, keep_every=10)
    done = retain(store, policy, datetime.now(UTC) + timedelta(days=400), dry_run=True)
    seconds = time.perf_counter() - begun
    print(f"retain, dry run: {sum(done.removed.values())} pictures of {rows} in {seconds:.1f} s")
    for name in ("out.csv", "out.parquet"):
        before, begun = _peak_mb(), time.perf_counter()
        records.export(store, ALL_PARTS, folder / name)
        rate = rows / (time.perf_counter() - begun)
        print(f"export to {name}: {rate:.0f} rows/s; peak memory {before} MB, then {_peak_mb()} MB")
    begun = time.perf_counter()
    findings = store.verify(pictures=False)
    print(f"verify, rows only: {time.perf_counter() - begun:.1f} s, {len(findings)} findings")


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _asked(name: str, work: Callable[[], Any], times: int = 100) -> None:
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        took.append((time.perf_counter() - begun) * 1000)
    print(f"{name}: {_spread(took)}")


def _spread(times: Sequence[float]) -> str:
    p50, p95 = np.percentile(times, [50, 95])
    return f"p50 {p50:.2f} ms, p95 {p95:.2f} ms, longest {max(times):.1f} ms"


def _part(verdict: Verdict = Verdict.PASS, **fields: Any) -> NewPart:
    region = Region(
        x_px=3, y_px=4, width_px=5, height_px=6, area_px=21.5, area_mm2=0.3,
        peak_score=9.9, zone="rim", label=None,
    )  # fmt: skip
    judged = Judgement(
        verdict=verdict, reason="the rim is scratched", recipe_id="c0ffee" * 8, score=1.5,
        p_value=0.25, threshold=2.5, regions=(region,) if verdict is Verdict.FAIL else (),
        health={"sharpness": 17.25, "mean": 0.1, "saturated": 0.0},
        latency_ms={"health": 0.4, "align": 1.1, "score": 8.8, "regions": 0.2, "total": 12.1},
    )  # fmt: skip
    return NewPart(judgement=judged, **fields)


if __name__ == "__main__":
    main()
