"""Parts of the record for set-up: those that may be learnt from, and those to try a recipe on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from inspection.errors import SetupError
from inspection.judgement import Verdict
from inspection.store import PartRecord, Store

PAGE, MOST_LOOKED_AT = 200, 20_000


def labels(store: Store) -> dict[str, str]:
    """Give the latest label of each part that has one: OK or NG."""
    found: dict[str, str] = {}
    after = 0
    while events := store.events_of("label", after_number=after):
        found |= {event.part_id: str(event.detail.get("label")) for event in events}
        after = events[-1].number
    return found


def latest(
    store: Store,
    *,
    station: str,
    product: str,
    count: int,
    good: bool = False,
    lot: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[tuple[PartRecord, Path]]:
    """Give the latest parts of a product that have a picture, newest first.

    With `good` only those labelled OK, and those that passed and are not labelled NG.
    """
    said = labels(store) if good else {}
    found: list[tuple[PartRecord, Path]] = []
    for record in _all(store, station=station, lot=lot, since=since, until=until):
        if len(found) == count:
            break
        picture = store.image_path(record)
        if record.product != product or picture is None or not picture.is_file():
            continue
        if not good or said.get(record.part_id, _usual(record)) == "OK":
            found.append((record, picture))
    return found


def one_view(views: int) -> None:
    """Refuse what cannot be: pictures of several views are recorded side by side, as one."""
    if views > 1:
        raise SetupError(
            f"the record keeps the pictures of all {views} views as one, so single views cannot be "
            "taken from it; take or upload pictures instead"
        )


def _usual(record: PartRecord) -> str:
    return "OK" if record.verdict is Verdict.PASS else "NG"


def _all(
    store: Store,
    *,
    station: str,
    lot: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Iterator[PartRecord]:
    after: int | None = None
    for _ in range(MOST_LOOKED_AT // PAGE):
        page = store.parts(
            station=station, lot=lot, since=since, until=until, after_number=after, limit=PAGE
        )
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].number
