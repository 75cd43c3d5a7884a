"""Stored parts as a browser judges them again at another threshold: few numbers for each part.

What the record holds of a part is its score and its regions at the threshold it was judged by, not
its heat. So at another threshold a part's verdict is known or not by its `Kind` (docs/analysis.md).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspection.intervals import exact_intervals
from inspection.judgement import Verdict
from inspection.labels.labels import LabelsByPart, PartLabels, Truth
from inspection.recipe import Recipe
from inspection.recipe.calibration import Calibration, promises
from inspection.store import Store
from inspection.store.filters import PartFilter
from inspection.store.reading.summary import columns_of
from ui.pages.analysis.requests import packed

_COLUMNS = ("number", "part_id", "verdict", "score", "threshold", "regions", "judged_at", "capture")
_SAME = 1 - 1e-9
_NO_LABELS = PartLabels()


class Kind(IntEnum):
    """What is known of a part's verdict at a threshold t that is not the recipe's T.

    BY_SCORE         rejected where its score is above t
    RULE_MAY_ALLOW   passed by its score; above t the rule of a zone may allow its places or not
    RULE_ALLOWED     above T, and passed by the rule of a zone: below t it passes, else not known
    RULE_REFUSED     rejected by the rule of a zone: above t a reject if t is below T, else not known
    SEVERAL_VIEWS    rejected by more than the score recorded, that of the worst view: below t not known; so is
                     a part that a defect head rejected, whose score is within T
    CANNOT           could not be inspected; no threshold changes that
    """

    BY_SCORE = 0
    RULE_MAY_ALLOW = 1
    RULE_ALLOWED = 2
    RULE_REFUSED = 3
    SEVERAL_VIEWS = 4
    CANNOT = 5


@dataclass(frozen=True, slots=True)
class Rules:
    """Which zones have rules; `known` where the recipe is there to be asked."""

    zones: frozenset[str]
    known: bool

    def may_allow(self, zone: str | None) -> bool:
        """Whether something may be allowed in a zone."""
        return zone in self.zones if self.known else zone is not None

    @property
    def any(self) -> bool:
        """Whether a rule may allow anything at all."""
        return bool(self.zones)


def kind_of(
    verdict: Verdict, score: float | None, regions: Sequence[dict[str, Any]], rules: Rules
) -> Kind:
    """Tell what will be known of a part of one view at other thresholds."""
    if verdict is Verdict.CANNOT_INSPECT or score is None:
        return Kind.CANNOT
    if verdict is Verdict.PASS:
        if regions:
            return Kind.RULE_ALLOWED
        return Kind.RULE_MAY_ALLOW if rules.any else Kind.BY_SCORE
    for region in regions:
        worst = not region["accepted"] and float(region["peak_score"]) >= score * _SAME
        if worst and not rules.may_allow(region["zone"]):
            return Kind.BY_SCORE
    return Kind.RULE_REFUSED


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class StoredParts:
    """The latest parts of one recipe, newest first: arrays (n,), and the rows they come from."""

    rows: Sequence[tuple[Any, ...]]
    rules: Rules
    number: NDArray[np.float64]
    score: NDArray[np.float64]
    """NaN where there is none."""
    peak: NDArray[np.float64]
    kind: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    verdict: NDArray[np.uint8]
    """Index into the verdicts."""


def read_parts(
    store: Store,
    part_filter: PartFilter,
    *,
    limit: int,
    labels: LabelsByPart,
    recipe: Recipe | None,
    several: bool,
) -> StoredParts:
    """Read the latest parts of one recipe."""
    rows = columns_of(store, part_filter, _COLUMNS, limit=limit)
    rules = rules_of(recipe, rows)
    peaks, kinds = [], []
    for _, _, name, score, own, regions, _, capture in rows:
        verdict = Verdict(name)
        found = [] if regions == "[]" else json.loads(regions)
        kind = kind_of(verdict, score, found, rules)
        rejected = verdict in (Verdict.FAIL, Verdict.REVIEW)
        if rejected and ((several and _many(capture)) or (own is not None and score <= own)):
            kind = Kind.SEVERAL_VIEWS
        peaks.append(_peak(found))
        kinds.append(kind)
    verdicts = [verdict.value for verdict in Verdict]
    return StoredParts(
        rows=rows,
        rules=rules,
        number=np.array([row[0] for row in rows], dtype=np.float64),
        score=np.array([np.nan if row[3] is None else row[3] for row in rows], dtype=np.float64),
        peak=np.array(peaks, dtype=np.float64),
        kind=np.array(kinds, dtype=np.uint8),
        truth=np.array([labels.get(row[1], _NO_LABELS).truth for row in rows], dtype=np.uint8),
        verdict=np.array([verdicts.index(row[2]) for row in rows], dtype=np.uint8),
    )


def stored(found: StoredParts, *, recipe: Recipe | None, several: bool) -> dict[str, Any]:
    """Say of parts what a browser needs to judge them again; arrays packed."""
    rows, rules = found.rows, found.rules
    return {
        "parts": len(rows),
        "number": packed(found.number, "f8"),
        "score": packed(found.score, "f8"),
        "peak": packed(found.peak, "f8"),
        "kind": packed(found.kind, "u1"),
        "truth": packed(found.truth, "u1"),
        "verdict": packed(found.verdict, "u1"),
        "verdicts": [verdict.value for verdict in Verdict],
        "first_at": rows[-1][6] if rows else None,
        "last_at": rows[0][6] if rows else None,
        **_limits(rows, recipe),
        "rules": {"known": rules.known, "zones": sorted(rules.zones)},
        "several": several,
        "promise": None if recipe is None else _promise(recipe),
        "intervals": _intervals(found),
        "extent": _extent(found),
        "disputed": int((found.truth == Truth.DISPUTED).sum()),
        "labelled_cannot": int((_labelled(found) & (found.kind == Kind.CANNOT)).sum()),
    }


def rules_of(recipe: Recipe | None, rows: Sequence[tuple[Any, ...]]) -> Rules:
    """Tell which zones have rules; without the recipe those that parts have regions in may."""
    if recipe is not None:
        zones = recipe.settings.setup.zones
        return Rules(frozenset(zone.name for zone in zones if zone.allows_any), known=True)
    seen = {
        region["zone"]
        for row in rows
        if row[5] != "[]"
        for region in json.loads(row[5])
        if region["zone"] is not None
    }
    return Rules(frozenset(seen), known=False)


def _extent(found: StoredParts) -> tuple[float | None, float | None, float | None]:
    """The lowest score, the lowest above 0, and the highest; None where there is none."""
    scores = found.score[np.isfinite(found.score) & (found.kind != Kind.CANNOT)]
    if not len(scores):
        return None, None, None
    above = scores[scores > 0]
    return float(scores.min()), float(above.min()) if len(above) else None, float(scores.max())


def _labelled(found: StoredParts) -> NDArray[np.bool_]:
    labelled: NDArray[np.bool_] = (found.truth == Truth.OK) | (found.truth == Truth.NG)
    return labelled


def _peak(regions: Sequence[dict[str, Any]]) -> float:
    """Return the peak of the worst region that no rule allows."""
    peaks = (float(region["peak_score"]) for region in regions if not region["accepted"])
    return max(peaks, default=np.nan)


def _many(capture: str) -> bool:
    return "+" in str(json.loads(capture).get("camera", ""))


def _limits(rows: Sequence[tuple[Any, ...]], recipe: Recipe | None) -> dict[str, Any]:
    if recipe is not None:
        calibration = recipe.settings.calibration
        return {
            "threshold": calibration.threshold,
            "fail_threshold": calibration.fail_threshold,
            "own": _own(calibration),
        }
    found = (row[4] for row in rows if row[4] is not None)
    return {"threshold": next(found, None), "fail_threshold": None, "own": None}


def _own(calibration: Calibration) -> dict[str, Any] | None:
    """What is promised and estimated of the recipe's two limits; None where it has but one promise."""
    if calibration.review_estimated is None:
        return None
    names = ("false_reject_promised", "false_reject_bound", "review_estimated", "review_ci95")
    return {name: getattr(calibration, name) for name in names}


def _promise(recipe: Recipe) -> dict[str, Any]:
    share, bound = promises(len(recipe.scores))
    return {
        "n_good": len(recipe.scores),
        "scores": packed(recipe.scores, "f8"),
        "share": packed(share, "f8"),
        "bound": packed(bound, "f8"),
    }


def _intervals(parts: StoredParts) -> dict[str, Any]:
    """Compute the exact intervals of k in n, for n parts labelled OK and n labelled NG that have a score."""
    found: dict[str, Any] = {}
    for name, truth in (("ok", Truth.OK), ("ng", Truth.NG)):
        n = int(((parts.truth == truth) & (parts.kind != Kind.CANNOT)).sum())
        low, high = exact_intervals(n)
        found[name] = {"n": n, "low": packed(low, "f8"), "high": packed(high, "f8")}
    return found
