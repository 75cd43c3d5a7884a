"""Finding parts in the record, and all that is known of one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from inspection.store import PartEvent, PartRecord, Store
from inspection.store.chain import canonical
from inspection.store.filters import PartFilter
from inspection.store.reading.summary import page_of

PAGE = 50


def line_of(record: PartRecord) -> dict[str, Any]:
    """Collect what a list shows of a part."""
    names = (
        "number", "part_id", "serial", "lot", "product", "recipe_id", "score", "threshold",
        "reason", "judged_at",
    )  # fmt: skip
    found = {name: getattr(record, name) for name in names}
    found |= {"verdict": record.verdict.value, "cause": record.cause.as_message()}
    return _plain(found | {"picture": record.image is not None})


def search(
    store: Store, part_filter: PartFilter, *, below: int | None = None, above: int | None = None
) -> dict[str, Any]:
    """Read a page of 50 parts, the newest first, and whether there are older and newer ones."""
    found = page_of(store, part_filter, below=below, above=above, limit=PAGE + 1)
    if above is not None:
        older, newer = bool(found), len(found) > PAGE
        found = found[-PAGE:]
    else:
        older, newer = len(found) > PAGE, below is not None
        found = found[:PAGE]
    return {"parts": [line_of(record) for record in found], "older": older, "newer": newer}


def lines(store: Store, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Read a few parts by their numbers, in this order."""
    found = (page_of(store, PartFilter(number=number), limit=1) for number in numbers)
    return [line_of(record) for some in found for record in some]


def whole(store: Store, part_filter: PartFilter) -> dict[str, Any] | None:
    """Read everything the record has of one part, and its events; None where there is none."""
    some = page_of(store, part_filter, limit=1)
    if not some:
        return None
    record = some[0]
    content = {each.name: getattr(record, each.name) for each in fields(record)}
    content["verdict"] = record.verdict.value
    content["cause"] = record.cause.as_message()
    content["regions"] = [region.as_json() for region in record.regions]
    path = store.image_path(record)
    return _plain(
        {
            "record": content,
            "events": [_event(event) for event in store.events(record.part_id)],
            "picture": path is not None and path.is_file(),
            "file": None if path is None else path.name,
            "last": store.head().count,
        }
    )


def _event(event: PartEvent) -> dict[str, Any]:
    return {each.name: getattr(event, each.name) for each in fields(event)}


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    """Make it JSON: times in ISO form, numbers that are not finite by their names."""
    isoformat = json.loads(canonical(_times(content)))
    assert isinstance(isoformat, dict)
    return isoformat


def _times(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _times(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_times(item) for item in value]
    return value
