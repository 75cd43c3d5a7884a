"""Each row holds the hash of the row before it, so a change shows.

The hash of a row is the sha256, in hex, of the JSON object of all its columns but `hash`: keys
sorted, no spaces, ASCII only, non-finite floats as the strings "NaN", "Infinity", "-Infinity". A
column that came later (`ADDED_LATER`) counts only where it is filled: rows of before keep their hash.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

FIRST = "0" * 64
ADDED_LATER = frozenset({"reason_code", "reason_values", "process"})
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclass(frozen=True, slots=True)
class ChainHead:
    """Where a chain ends: how many rows it has, and the hash of the last.

    Kept outside the store, it proves later that nothing up to here was rewritten.
    """

    count: int = 0
    hash: str = FIRST


def linked(
    rows: Iterable[Mapping[str, Any]], head: ChainHead
) -> tuple[list[dict[str, Any]], ChainHead]:
    """Number the rows after `head` and hash each with the one before it; give the new head too."""
    done: list[dict[str, Any]] = []
    for row in rows:
        link = {**row, "number": head.count + 1, "previous_hash": head.hash}
        link["hash"] = row_hash(link)
        done.append(link)
        head = ChainHead(link["number"], link["hash"])
    return done, head


def breaks(rows: Iterable[Mapping[str, Any]], head: ChainHead | None, what: str) -> Iterator[str]:
    """Say, one line each, where rows in number order do not form the chain that ends in `head`.

    None is an end that is not known.
    """
    number, previous = 0, FIRST
    for row in rows:
        if row["number"] != number + 1:
            yield _gap(number + 1, row["number"] - 1, what)
        elif row["previous_hash"] != previous:
            yield (
                f"{what} {row['number']}: does not follow the {what} before it; "
                "one of the two was changed, or the chain rewritten"
            )
        if row_hash(row) != row["hash"]:
            yield f"{what} {row['number']}: changed; its hash does not match its fields"
        number, previous = row["number"], row["hash"]
    if head is not None:
        yield from _end(ChainHead(number, previous), head, what)


def row_hash(row: Mapping[str, Any]) -> str:
    """Hash all columns but `hash`, and but empty ones that came later."""
    hashed = {
        name: value
        for name, value in row.items()
        if name != "hash" and not (name in ADDED_LATER and value is None)
    }
    text = canonical(hashed)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def canonical(value: Any) -> str:
    """Write JSON that is the same for the same value everywhere, and never fails."""
    return json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False, default=str
    )


def revived(value: Any) -> Any:
    """Read a number of canonical JSON back: the names of non-finite floats become floats again."""
    return _NON_FINITE.get(value, value) if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _gap(first: int, last: int, what: str) -> str:
    if last < first:
        return f"{what} {last + 1}: out of place, number {first} was expected; it was inserted"
    if first == last:
        return f"{what} {first}: missing; it was removed"
    return f"{what}s {first} to {last}: missing; they were removed"


def _end(found: ChainHead, head: ChainHead, what: str) -> Iterator[str]:
    if found.count < head.count:
        yield _gap(found.count + 1, head.count, what) + " from the end"
    elif found.count > head.count:
        yield f"{what}s after {head.count}: inserted; the chain ends with {what} {head.count}"
    elif found.hash != head.hash:
        yield f"{what} {head.count}: is not the one the chain ends with; it was replaced"
