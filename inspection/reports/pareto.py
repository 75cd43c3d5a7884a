"""What is most frequent, with the share of it and all that is more frequent together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One cause: how many parts have it, and the share of it and all more frequent ones together."""

    name: str
    count: int
    summed: float


def pareto(counts: Mapping[str, int], *, most: int = 12) -> list[Bar]:
    """Order causes by how frequent they are; the rarest beyond `most` are left out, not their share."""
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    bars, done = [], 0
    for name, count in ordered[:most]:
        done += count
        bars.append(Bar(name=name, count=count, summed=done / total))
    return bars
