"""A few parts by their numbers, as the cards of the analysis page show them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from inspection.store import Store
from inspection.store.chain import canonical
from inspection.store.filters import PartFilter
from inspection.store.reading.summary import page_of


def lines(store: Store, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Read a few parts by their numbers, in this order."""
    found = (page_of(store, PartFilter(number=number), limit=1) for number in numbers)
    shown = [
        {
            "number": each.number, "part_id": each.part_id, "verdict": each.verdict.value,
            "score": each.score, "picture": each.image is not None,
        }
        for some in found for each in some
    ]  # fmt: skip
    return list(json.loads(canonical(shown)))  # numbers that are not finite by their names
