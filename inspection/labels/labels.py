"""What people say a part is: the one reader of their events, and the one rule of what these come to.

A label is an event of the record, kind "label": `label` "OK", "NG", or None for one taken back;
`defect` its type, `mask` the file of the painted mask and `sha256` of it, `decides` where it settles
what others differ about, `undoes` the number of the label it takes back, `ignore` that the part is to be kept
out of trainings, trials and datasets, which also takes the person's own label back. A "disagree" of an operator
is an event too: it says that a verdict is wrong, not what the part is.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from itertools import combinations, takewhile
from typing import Any

from inspection.store import PartEvent, PartRecord, Store
from inspection.store.event_kinds import EventKind
from inspection.store.reading.outline import events_about, events_since

OK, NG = "OK", "NG"
KINDS = (EventKind.LABEL, EventKind.DISAGREE)


class Truth(IntEnum):
    """What people say a part is; DISPUTED: they labelled it, and nobody settled what it is."""

    NOTHING = 0
    OK = 1
    NG = 2
    DISPUTED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What one person said of one part; `label` None: they took back all they said."""

    number: int
    who: str
    at: datetime
    label: str | None
    defect: str | None = None
    mask: str | None = None
    sha256: str | None = None
    decides: bool = False
    undoes: int | None = None
    ignore: bool = False

    @property
    def said(self) -> dict[str, Any]:
        """Return what is written into the record, without who and when."""
        return {
            "label": self.label,
            "defect": self.defect,
            "mask": self.mask,
            "sha256": self.sha256,
            "decides": self.decides,
            **({"ignore": True} if self.ignore else {}),
        }


def label_of(event: PartEvent) -> Label:
    """Read a label from its event; what is missing or of a wrong kind counts as not said."""
    detail = event.detail
    said = detail.get("label")
    undoes = detail.get("undoes")
    return Label(
        number=event.number,
        who=event.who,
        at=event.at,
        label=said if said in (OK, NG) else None,
        defect=_text(detail.get("defect")) if said == NG else None,
        mask=_text(detail.get("mask")),
        sha256=_text(detail.get("sha256")),
        decides=detail.get("decides") is True,
        undoes=undoes if isinstance(undoes, int) else None,
        ignore=said is None and detail.get("ignore") is True,
    )


@dataclass(slots=True)
class PartLabels:
    """All labels of one part, oldest first."""

    given: list[Label] = field(default_factory=list)
    complaint: PartEvent | None = None
    """The latest "disagree" of an operator."""

    @property
    def truth(self) -> Truth:
        """What people say the part is (docs/review.md, "What a part is").

        A doubt of an operator goes before all labels given until then, a decision before other
        labels. Who differ only about the type of the defect agree that the part is NG.
        """
        latest = self.latest
        if not latest:
            return Truth.NOTHING
        if self.doubted:
            return Truth.DISPUTED
        if self.decision is not None:
            return Truth[str(self.decision.label)]
        labels = {str(label.label) for label in latest.values()}
        return Truth[labels.pop()] if len(labels) == 1 else Truth.DISPUTED

    @property
    def ignored(self) -> bool:
        """Whether the part is kept out of trainings, trials and datasets: what was said last of it says so."""
        return bool(self.given) and self.given[-1].ignore

    @property
    def latest(self) -> dict[str, Label]:
        """Each person's label that counts: the newest, unless it was taken back."""
        newest = {label.who: label for label in self.given}
        return {who: label for who, label in newest.items() if label.label is not None}

    @property
    def decision(self) -> Label | None:
        """The newest label that settles what others differ about."""
        deciding = [label for label in self.latest.values() if label.decides]
        return max(deciding, key=lambda label: label.number, default=None)

    @property
    def parties(self) -> frozenset[str]:
        """Who differs, while nobody decided; nobody where all agree."""
        latest = self.latest
        if self.decision is not None or not _differ(latest.values()):
            return frozenset()
        return frozenset(latest)

    @property
    def doubted(self) -> bool:
        """Whether an operator did not agree with the verdict, and nobody labelled the part since."""
        if self.complaint is None:
            return False
        last = max((self._stated_at(label) for label in self.latest.values()), default=0)
        return last < self.complaint.number

    @property
    def outcome(self) -> Label | None:
        """The label the truth rests on, with its type and mask; None where types differ too."""
        if self.truth not in (Truth.OK, Truth.NG):
            return None
        if (decision := self.decision) is not None:
            return decision
        latest = self.latest.values()
        if _differ(latest):
            return None
        return max(
            latest, key=lambda each: (each.defect is not None, each.mask is not None, each.number)
        )

    def seen_by(self, who: str) -> bool:
        """Whether a person may see the labels of others: only after their own, or where people differ."""
        return who in self.latest or bool(self.parties) or self.decision is not None

    def first_of(self, who: str) -> Label | None:
        """Find the first label of a person that stands by itself: not taken back, not deciding."""
        undone = {label.undoes for label in self.given}
        for label in self.given:
            plain = label.undoes is None and label.number not in undone and not label.decides
            if label.who == who and label.label is not None and plain:
                return label
        return None

    def _stated_at(self, label: Label) -> int:
        """Number of the event in which a person said this: to undo restores what they said before."""
        if label.undoes is None:
            return label.number
        before = [x for x in self.given if x.who == label.who and x.number < label.undoes]
        return self._stated_at(before[-1]) if before else label.number


class Labels:
    """The labels of all parts, kept up to date event by event; may be used from any thread."""

    def __init__(self) -> None:
        self.parts: dict[str, PartLabels] = {}
        self.given_by: dict[str, list[tuple[str, Label]]] = {}
        """What each person said, oldest first, with the part it is about."""
        self.last_number = 0
        self._lock = threading.Lock()

    def refresh(self, store: Store) -> set[str]:
        """Read on from the last event; return the parts it touched. Raises StoreError."""
        touched: set[str] = set()
        with self._lock:
            while new := events_since(store, KINDS, after_number=self.last_number):
                touched |= self.take(new)
        return touched

    def read(self, store: Store) -> LabelsByPart:
        """Read on and return what people say of each part now. Raises StoreError."""
        self.refresh(store)
        with self._lock:
            return dict(self.parts)

    def take(self, events: Iterable[PartEvent]) -> set[str]:
        """Take new events of `KINDS`, oldest first; give the parts they are about."""
        touched = set()
        for event in events:
            part = self.parts.setdefault(event.part_id, PartLabels())
            if event.kind == EventKind.LABEL:
                label = label_of(event)
                part.given.append(label)
                self.given_by.setdefault(label.who, []).append((event.part_id, label))
            else:
                part.complaint = event
            self.last_number = event.number
            touched.add(event.part_id)
        return touched

    def of(self, part_id: str) -> PartLabels:
        """Return the labels of a part, none where nobody labelled it."""
        return self.parts.get(part_id) or PartLabels()

    def session(self, who: str, since: datetime) -> list[tuple[str, Label]]:
        """What a person labelled since a moment and did not take back, oldest first, with the part of each."""
        said = reversed(self.given_by.get(who, []))
        given = list(takewhile(lambda each: each[1].at >= since, said))
        undone = {label.undoes for _, label in given}
        return [
            (part_id, label)
            for part_id, label in reversed(given)
            if label.label is not None and label.undoes is None and label.number not in undone
        ]

    def agreement(self) -> list[Agreement]:
        """Compare each two people over the parts both labelled, by what each said first."""
        tables: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
        for part in self.parts.values():
            people = sorted({label.who for label in part.given})
            first = {who: label for who in people if (label := part.first_of(who)) is not None}
            for pair in combinations(first, 2):
                said = str(first[pair[0]].label), str(first[pair[1]].label)
                tables.setdefault(pair, Counter())[said] += 1
        return [agreement(*pair, table) for pair, table in sorted(tables.items())]


LabelsByPart = Mapping[str, PartLabels]
"""What people say of each part that anybody spoke of, by part id."""


def read_labels(store: Store, part_ids: Sequence[str] | None = None) -> Labels:
    """Read the labels of all parts, or of a few by their ids. Raises StoreError."""
    labels = Labels()
    if part_ids is None:
        labels.refresh(store)
    else:
        labels.take(events_about(store, part_ids, KINDS))
    return labels


def truth_columns(labels: Labels) -> Mapping[str, Callable[[PartRecord], str | None]]:
    """Columns for a table of parts: `truth` OK, NG, DISPUTED or None, and `defect`, its type."""

    def truth(record: PartRecord) -> str | None:
        found = labels.of(record.part_id).truth
        return None if found is Truth.NOTHING else found.name

    def defect(record: PartRecord) -> str | None:
        outcome = labels.of(record.part_id).outcome
        return None if outcome is None else outcome.defect

    return {"truth": truth, "defect": defect}


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far two people agree on OK or NG; `kappa` None where chance alone explains all."""

    people: tuple[str, str]
    parts: int
    agreed: float
    kappa: float | None


def agreement(first: str, second: str, table: Mapping[tuple[str, str], int]) -> Agreement:
    """Compute the share of parts two people agree on, and Cohen's kappa.

    `table` counts parts by (what the first said, what the second said). J. Cohen, Educational and
    Psychological Measurement 20 (1960) 37-46: (observed - by chance) / (1 - by chance).
    """
    total = sum(table.values())
    agreed = sum(count for (one, other), count in table.items() if one == other) / total
    chance = sum(_share(table, 0, said) * _share(table, 1, said) for said in (OK, NG))
    kappa = None if chance >= 1 else (agreed - chance) / (1 - chance)
    return Agreement(people=(first, second), parts=total, agreed=agreed, kappa=kappa)


def _share(table: Mapping[tuple[str, str], int], person: int, said: str) -> float:
    return sum(n for pair, n in table.items() if pair[person] == said) / sum(table.values())


def _differ(labels: Iterable[Label]) -> bool:
    """Whether labels contradict: OK and NG, or two named types; a type not named contradicts none."""
    said, defects = set(), set()
    for label in labels:
        said.add(label.label)
        defects.add(label.defect)
    return len(said) > 1 or len(defects - {None}) > 1


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
