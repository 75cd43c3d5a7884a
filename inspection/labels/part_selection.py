"""Parts of the record for set-up: those that may be learnt from, and those to try a recipe on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from inspection.errors import SetupError
from inspection.judgement import Verdict
from inspection.labels.labels import Labels, PartLabels, Truth, read_labels
from inspection.store import PartRecord, Store
from inspection.store.filters import ALL_PARTS, PartFilter
from inspection.store.reading.outline import numbered, numbers_of

PAGE, MOST_LOOKED_AT = 200, 20_000


def latest(
    store: Store,
    *,
    station: str,
    product: str,
    count: int,
    good: bool = False,
    part_filter: PartFilter = ALL_PARTS,
) -> list[tuple[PartRecord, Path]]:
    """List the latest parts of a product that have a picture, newest first.

    With `good` only those `is_good` lets pass; of the station's parts only those `part_filter` lets through.
    """
    labels = read_labels(store) if good else Labels()
    found: list[tuple[PartRecord, Path]] = []
    for record in _all(store, replace(part_filter, station=station)):
        if len(found) == count:
            break
        picture = _picture(store, record, product)
        if picture is None:
            continue
        if not good or is_good(record, labels.of(record.part_id)):
            found.append((record, picture))
    return found


def to_try(
    store: Store, *, station: str, product: str, newest: int, earlier_ng: int
) -> list[tuple[PartRecord, Path]]:
    """List the newest parts of a product, then earlier ones labelled NG, both newest first.

    Each has a picture. Without those labelled NG it could hardly be seen what a recipe lets pass.
    """
    labels = read_labels(store)
    newest_ones = latest(store, station=station, product=product, count=newest)
    found = [
        (record, path) for record, path in newest_ones if not labels.of(record.part_id).ignored
    ]
    there = {record.part_id for record, _ in newest_ones}
    ng = _settled_ng(labels)
    numbers = sorted(numbers_of(store, [each for each in ng if each not in there]).values())
    earlier = (
        (record, picture)
        for record in _numbered(store, numbers[::-1])
        if record.station == station and (picture := _picture(store, record, product)) is not None
    )
    return [*found, *islice(earlier, earlier_ng)]


def labelled_ng(
    store: Store, *, station: str, product: str, most: int
) -> list[tuple[PartRecord, Path, str]]:
    """List the parts of a product that people settled to be NG, newest first: picture, and type of defect."""
    labels = read_labels(store)
    ng = _settled_ng(labels)
    numbers = sorted(numbers_of(store, ng).values(), reverse=True)
    found = []
    for record in _numbered(store, numbers):
        picture = _picture(store, record, product)
        if record.station != station or picture is None:
            continue
        outcome = labels.of(record.part_id).outcome
        found.append((record, picture, (outcome.defect if outcome else None) or ""))
        if len(found) == most:
            break
    return found


def is_good(record: PartRecord, labels: PartLabels) -> bool:
    """Whether a part may be learnt from: people say it is OK, or it passed and nobody said a word.

    A part whose labels differ is not, nor one an operator disagreed with and nobody settled since, nor one
    to be ignored.
    """
    if labels.ignored:
        return False
    if labels.truth is Truth.NOTHING:
        return record.verdict is Verdict.PASS and not labels.doubted
    return labels.truth is Truth.OK


def _settled_ng(labels: Labels) -> list[str]:
    """The parts people settled to be NG, without those to be ignored."""
    return [
        part_id
        for part_id, part in labels.parts.items()
        if part.truth is Truth.NG and not part.ignored
    ]


def one_view(views: int) -> None:
    """Refuse what cannot be: pictures of several views are recorded side by side, as one."""
    if views > 1:
        raise SetupError(
            f"the record keeps the pictures of all {views} views as one, so single views cannot be "
            "taken from it; take or upload pictures instead"
        )


def _picture(store: Store, record: PartRecord, product: str) -> Path | None:
    """Find the picture of a part of this product, None where it is gone or the part of another."""
    picture = store.image_path(record)
    if record.product != product or picture is None or not picture.is_file():
        return None
    return picture


def _numbered(store: Store, numbers: list[int]) -> Iterator[PartRecord]:
    for start in range(0, len(numbers), PAGE):
        yield from numbered(store, numbers[start : start + PAGE])


def _all(store: Store, part_filter: PartFilter) -> Iterator[PartRecord]:
    after: int | None = None
    for _ in range(MOST_LOOKED_AT // PAGE):
        page = store.parts(part_filter, after_number=after, limit=PAGE)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].number
