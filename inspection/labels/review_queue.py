"""Which part wants a person's look first, among very many: kept in memory, a few bytes a part."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspection.judgement import Verdict
from inspection.labels.labels import Labels
from inspection.store import Store
from inspection.store.filters import ALL_PARTS, PartFilter, Prefix
from inspection.store.reading.outline import Outline, numbers_of, outlines, removed
from inspection.store.reading.summary import columns_of

AT_ONCE = 20_000
MOST = 1_000_000
"""At most so many parts are looked up in the record for one filter."""
REMOVED_S = 60.0
"""Pictures removed by rule are looked up this often."""

Key = tuple[int, float, int]
"""Where a part stands in the queue: group, closeness to the limit, number; smaller is sooner."""


class State(StrEnum):
    """Which parts, by who labelled them."""

    TODO = "todo"
    UNLABELLED = "unlabelled"
    SECOND = "second"
    DISAGREEMENTS = "disagreements"
    MINE = "mine"
    LABELLED = "labelled"
    ALL = "all"


GROUPS = ("disagreement", "review", "cannot_inspect", "fail", "pass", "done")
_GROUP = {Verdict.REVIEW: 1, Verdict.CANNOT_INSPECT: 2, Verdict.FAIL: 3, Verdict.PASS: 4}
_PASS, _DONE = 4, 5
_VERDICTS = tuple(Verdict)
_GROUPS = np.array([_GROUP[verdict] for verdict in _VERDICTS], np.int8)


HELD = ("lot", "product", "recipe_id", "verdict", "zone", "since", "until")
"""The fields of a filter that are answered from memory; for others the record is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePage:
    """One page of the queue: part numbers with the key of each, and how many match by group."""

    numbers: list[int]
    keys: list[Key]
    total: int
    groups: dict[str, int]


class TextNumbers:
    """Numbers texts: each distinct one has a small number; None is -1."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def code(self, name: str | None) -> int:
        """Return the number of a text, a new one if it is new."""
        return -1 if name is None else self._codes.setdefault(name, len(self._codes))

    def matching(self, wanted: str | Prefix) -> list[int]:
        """The numbers of the texts that are wanted; none where no such text was seen."""
        if isinstance(wanted, str):
            return [self._codes[wanted]] if wanted in self._codes else []
        return [code for name, code in self._codes.items() if name.startswith(wanted.text)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._codes)


class Queue:
    """The parts of a station in the order they want a look; methods may be called from any thread."""

    def __init__(self, store: Store, station: str) -> None:
        self.store, self.station = store, station
        self.labels = Labels()
        self.lots, self.products, self.recipes = TextNumbers(), TextNumbers(), TextNumbers()
        self._lock = threading.RLock()
        self._columns = _columns([], self)
        self._zones: dict[str, list[int]] = defaultdict(list)
        self._numbers: dict[str, int] = {}
        self._labelled: set[int] = set()
        self._by: dict[str, set[int]] = defaultdict(set)
        self._differ: dict[int, frozenset[str]] = {}
        self._doubted: set[int] = set()
        self._removed = np.empty(0, np.int64)
        self._removed_at = float("-inf")

    def refresh(self) -> None:
        """Read what the record got since the last time. Raises StoreError."""
        with self._lock:
            while new := outlines(
                self.store, station=self.station, after_number=self._last, limit=AT_ONCE
            ):
                self._append(new)
            touched = self.labels.refresh(self.store)
            self._numbers.update(numbers_of(self.store, sorted(touched - self._numbers.keys())))
            for part_id in touched & self._numbers.keys():
                self._mark(part_id)
            if time.monotonic() - self._removed_at > REMOVED_S:
                self._removed = np.array(removed(self.store), np.int64)
                self._removed_at = time.monotonic()

    def page(
        self,
        part_filter: PartFilter,
        who: str,
        *,
        state: State = State.TODO,
        after: Key | None = None,
        limit: int = 20,
    ) -> QueuePage:
        """A page of the parts asked for, beginning after a key, and what there is in all.

        Raises StoreError where the filter has a field that is not in `HELD`.
        """
        group, near, number = self._matching(part_filter, state, who)
        groups = _by_group(group)
        if after is not None:
            later = _later(group, near, number, after)
            group, near, number = group[later], near[later], number[later]
        order = _first(group, near, number, limit)
        keys = [(int(group[i]), float(near[i]), int(number[i])) for i in order]
        return QueuePage(
            numbers=[key[2] for key in keys],
            keys=keys,
            total=sum(groups.values()),
            groups=groups,
        )

    def groups(self, part_filter: PartFilter, who: str, *, state: State) -> dict[str, int]:
        """How many of the parts asked for there are, by group. Raises StoreError."""
        return _by_group(self._matching(part_filter, state, who)[0])

    def choices(self) -> dict[str, list[str]]:
        """List what may be asked for: the latest 200 lots, and all zones, products, recipes, people."""
        with self._lock:
            return {
                "lots": list(self.lots)[:-201:-1],
                "zones": sorted(self._zones),
                "products": sorted(self.products),
                "recipes": list(self.recipes)[::-1],
                "people": sorted(self._by),
            }

    @property
    def _last(self) -> int:
        number = self._columns["number"]
        return int(number[-1]) if len(number) else 0

    def _append(self, new: list[Outline]) -> None:
        for outline in new:
            for zone in outline.zones:
                self._zones[zone].append(outline.number)
        fresh = _columns(new, self)
        self._columns = {
            name: np.concatenate([column, fresh[name]]) for name, column in self._columns.items()
        }

    def _mark(self, part_id: str) -> None:
        """Note what the labels of a part now come to."""
        number, part = self._numbers[part_id], self.labels.of(part_id)
        latest = part.latest
        _put(self._labelled, number, bool(latest))
        for who in {label.who for label in part.given}:
            _put(self._by[who], number, who in latest)
        _put(self._doubted, number, part.doubted)
        self._differ.pop(number, None)
        if parties := part.parties:
            self._differ[number] = parties

    def _recorded(self, part_filter: PartFilter) -> NDArray[np.int64] | None:
        """Numbers of the parts that match in the fields not held here; None: nothing asks for them."""
        others = replace(part_filter, **dict.fromkeys(HELD))
        if others in (ALL_PARTS, PartFilter(station=self.station)):
            return None
        rows = columns_of(self.store, others, ("number",), limit=MOST)
        return np.array([number for (number,) in rows], np.int64)

    def _matching(
        self, part_filter: PartFilter, state: State, who: str
    ) -> tuple[NDArray[np.int8], NDArray[np.float64], NDArray[np.int64]]:
        """Group, closeness to the limit and number of each part asked for."""
        numbers = self._recorded(part_filter)
        with self._lock:
            chosen = self._chosen(part_filter) & self._in_state(state, who)
            if numbers is not None:
                chosen &= self._among(numbers)
            group = self._group(state, who)[chosen]
            near = np.where(group == _PASS, -self._columns["ratio"][chosen], 0.0)
            return group, near, self._columns["number"][chosen]

    def _chosen(self, part_filter: PartFilter) -> NDArray[np.bool_]:
        columns = self._columns
        chosen = columns["image"] & ~self._among(self._removed)
        for name, names, value in (
            ("lot", self.lots, part_filter.lot),
            ("product", self.products, part_filter.product),
            ("recipe", self.recipes, part_filter.recipe_id),
        ):
            if value is not None:
                chosen &= np.isin(columns[name], names.matching(value))
        if part_filter.verdict is not None:
            chosen &= columns["verdict"] == _VERDICTS.index(part_filter.verdict)
        if part_filter.zone is not None:
            chosen &= self._among(self._zones.get(part_filter.zone, ()))
        if part_filter.since is not None:
            chosen &= columns["judged_at"] >= part_filter.since.timestamp()
        if part_filter.until is not None:
            chosen &= columns["judged_at"] < part_filter.until.timestamp()
        return chosen

    def _in_state(self, state: State, who: str) -> NDArray[np.bool_]:
        labelled, mine = self._among(self._labelled), self._among(self._by.get(who, ()))
        return {
            State.TODO: ~labelled | self._among(self._urgent(who)),
            State.UNLABELLED: ~labelled,
            State.SECOND: labelled & ~mine,
            State.DISAGREEMENTS: self._among(self._doubted | set(self._differ)),
            State.MINE: mine,
            State.LABELLED: labelled,
            State.ALL: np.ones_like(labelled),
        }[state]

    def _urgent(self, who: str) -> set[int]:
        """Collect the parts people differ about that this person has not labelled, and those doubted."""
        return self._doubted | {n for n, parties in self._differ.items() if who not in parties}

    def _group(self, state: State, who: str) -> NDArray[np.int8]:
        group: NDArray[np.int8] = _GROUPS[self._columns["verdict"]]
        done = self._by.get(who, set()) if state is State.SECOND else self._labelled
        group[self._among(done)] = _DONE
        group[self._among(self._doubted | set(self._differ))] = 0
        return group

    def _among(self, numbers: Iterable[int] | NDArray[np.int64]) -> NDArray[np.bool_]:
        """Mark the rows of these part numbers."""
        mine = self._columns["number"]
        found = np.zeros(len(mine), bool)
        if not isinstance(numbers, np.ndarray):
            numbers = np.fromiter(numbers, np.int64)
        if len(numbers) and len(mine):
            at = np.minimum(np.searchsorted(mine, numbers), len(mine) - 1)
            found[at[mine[at] == numbers]] = True
        return found


def _columns(new: list[Outline], queue: Queue) -> dict[str, NDArray[Any]]:
    """Put outlines into columns."""
    return {
        "number": np.array([each.number for each in new], np.int64),
        "verdict": np.array([_VERDICTS.index(each.verdict) for each in new], np.int8),
        "ratio": np.array([_ratio(each) for each in new], np.float64),
        "lot": np.array([queue.lots.code(each.lot) for each in new], np.int32),
        "product": np.array([queue.products.code(each.product) for each in new], np.int32),
        "recipe": np.array([queue.recipes.code(each.recipe_id) for each in new], np.int32),
        "judged_at": np.array([each.judged_at_s for each in new], np.float64),
        "image": np.array([each.has_image for each in new], bool),
    }


def _ratio(outline: Outline) -> float:
    if outline.score is None or not outline.threshold:
        return 0.0
    return outline.score / outline.threshold


def sooner(key: Key, other: Key) -> bool:
    """Whether a part stands before another in the queue."""
    return (*key[:2], -key[2]) < (*other[:2], -other[2])


def _by_group(group: NDArray[np.int8]) -> dict[str, int]:
    return dict(zip(GROUPS, np.bincount(group, minlength=len(GROUPS)).tolist(), strict=True))


def _later(
    group: NDArray[np.int8], near: NDArray[np.float64], number: NDArray[np.int64], after: Key
) -> NDArray[np.bool_]:
    first, second, third = after
    same = (group == first) & ((near > second) | ((near == second) & (number < third)))
    return np.asarray((group > first) | same)


def _first(
    group: NDArray[np.int8], near: NDArray[np.float64], number: NDArray[np.int64], limit: int
) -> NDArray[np.intp]:
    """Order rows and return the first `limit`; sorts no more groups than are needed."""
    if len(group) > limit:
        reached = np.searchsorted(np.cumsum(np.bincount(group)), limit)
        some = np.flatnonzero(group <= reached)
    else:
        some = np.arange(len(group))
    order = np.lexsort((-number[some], near[some], group[some]))[:limit]
    return some[order]


def _put(numbers: set[int], number: int, wanted: bool) -> None:
    if wanted:
        numbers.add(number)
    else:
        numbers.discard(number)
