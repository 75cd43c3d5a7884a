"""The limit found on the page goes on the line: what it would do, a proposal by cost, and the way back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspection.errors import InspectionError
from inspection.intervals import exact_interval
from inspection.labels.labels import Truth
from inspection.recipe import Recipe
from inspection.recipe.chosen_limit import CHOSEN, with_pass_limit
from inspection.station.recipe_library import KEPT_RECIPES, REPLACED, opened
from inspection.station.released_recipes import last_releases
from inspection.training.defects import FEWEST, propose
from inspection.training.metrics import auroc
from inspection.training.options import Costs
from inspection.training.warnings import NEAR_CHANCE
from ui.core.context import Context
from ui.pages.analysis.threshold import Kind, StoredParts


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A recipe file of the station: what judges by it now, and what did before."""

    file: Path
    products: tuple[str, ...]
    recipe_id: str
    before_id: str | None
    """The recipe that was exchanged for it last, where that is still kept."""


def places(context: Context) -> list[Place]:
    """The recipe files of the station, each once."""
    users: dict[Path, list[str]] = {}
    for product in context.settings.products:
        for view in context.settings.views:
            users.setdefault(product.recipe_of(view.name), []).append(product.name)
    replaced = context.store.actions(kind=REPLACED, limit=500)
    found = []
    for file, products in users.items():
        with suppress(InspectionError, OSError):
            now = opened(file).id
            before = next(
                (
                    str(each.detail.get("before"))
                    for each in replaced
                    if (each.detail.get("file"), each.detail.get("recipe_id")) == (str(file), now)
                ),
                None,
            )
            kept = before is not None and _kept(context, before).is_file()
            found.append(
                Place(
                    file=file,
                    products=tuple(dict.fromkeys(products)),
                    recipe_id=now,
                    before_id=before if kept else None,
                )
            )
    return found


def place_of(context: Context, recipe_id: str, product: str | None) -> Place:
    """Where a recipe is on the line. Raises InspectionError where it is not, or at several places."""
    here = [each for each in places(context) if each.recipe_id == recipe_id]
    found = [each for each in here if product is None or product in each.products]
    if not found:
        raise InspectionError(
            f"recipe {recipe_id[:12]}: is not on the line now, so its limit cannot be changed there; "
            "choose the recipe on the line, or put this one on the line first"
        )
    if len(found) > 1:
        names = ", ".join(name for each in found for name in each.products)
        raise InspectionError(
            f"recipe {recipe_id[:12]}: several products are judged by it ({names}); choose one on top"
        )
    return found[0]


def line_message(context: Context, recipe_id: str, product: str | None) -> dict[str, Any]:
    """Say whether a recipe, or one made of it by a limit, is on the line, and what was there before."""
    for each in places(context):
        if product is not None and product not in each.products:
            continue
        if recipe_id not in (each.recipe_id, each.before_id):
            continue
        before = None if each.before_id is None else opened(_kept(context, each.before_id))
        return {
            "on_line": each.recipe_id == recipe_id,
            "recipe_id": each.recipe_id,
            "threshold": opened(each.file).settings.calibration.threshold,
            "products": list(each.products),
            "before": None
            if before is None
            else {"recipe_id": before.id, "threshold": before.settings.calibration.threshold},
        }
    return {"on_line": False, "recipe_id": None, "before": None}


def kept_before(context: Context, place: Place) -> Path:
    """The file of the recipe that was at a place before. Raises InspectionError."""
    if place.before_id is None:
        raise InspectionError(f"recipe {place.file.name}: the one before is not kept any more")
    return _kept(context, place.before_id)


def at_limit(parts: StoredParts, recipe: Recipe, threshold: float) -> dict[str, Any]:
    """What a PASS limit promises of good parts, and what it does to the labelled ones among `parts`.

    Raises InspectionError for a limit that is not a finite number.
    """
    limits = moved(recipe, threshold, {}).settings.calibration
    passed, unknown = _outcomes(parts, recipe, threshold)
    ng, ok = labelled_as(parts, Truth.NG), labelled_as(parts, Truth.OK)
    return {
        "threshold": limits.threshold,
        "fail_threshold": limits.fail_threshold,
        "false_reject_promised": limits.false_reject_promised,
        "false_reject_bound": limits.false_reject_bound,
        "review_estimated": limits.review_estimated,
        "review_ci95": limits.review_ci95,
        "n_good": limits.n_good,
        "escapes": share_of(ng, passed, unknown),
        "overkill": share_of(ok, ~passed & ~unknown, unknown),
    }


def proposal(parts: StoredParts, recipe: Recipe, costs: Costs) -> dict[str, Any]:
    """The PASS limit that costs least by the parts labelled NG and the recipe's own good parts.

    `why_not` is a key of words where none can be proposed.
    """
    scored = np.isfinite(parts.score)
    bad = parts.score[labelled_as(parts, Truth.NG) & scored]
    if not len(bad):
        return {"why_not": "propose_none", "n": 0, "few": True}
    apart = auroc(recipe.scores, bad)
    if apart < NEAR_CHANCE:
        return {"why_not": "propose_chance", "n": len(bad), "auroc": apart, "few": False}
    highest = max(recipe.settings.calibration.fail_threshold, float(recipe.scores[-1]))
    found = propose(recipe.scores, bad, costs=costs, highest=highest)
    return {
        "why_not": None,
        "n": len(bad),
        "auroc": apart,
        "few": len(bad) < FEWEST,
        "threshold": found.threshold,
        "expected_cost": found.expected_cost,
        "n_good": len(recipe.scores),
    }


def moved(recipe: Recipe, threshold: float, chosen: Mapping[str, Any]) -> Recipe:
    """The recipe with a limit, not yet written. Raises InspectionError."""
    try:
        return with_pass_limit(recipe, threshold, chosen=chosen)
    except ValueError as error:
        raise InspectionError(f"limit {threshold}: {error}") from error


def chosen_by(context: Context, place: Place, *, who: str, costs: Costs | None) -> dict[str, Any]:
    """Who chose a limit and when, and who had released the recipe it was chosen for."""
    released = next(
        (
            each.who
            for each in last_releases(context.store)
            if each.detail.get("recipe_id") == place.recipe_id
        ),
        None,
    )
    told: dict[str, Any] = {
        "by": who,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "from_recipe": place.recipe_id,
        "released_by": released,
    }
    if costs is not None:
        told |= {name: getattr(costs, name) for name in ("escape", "overkill", "defect_rate")}
    return told


def costs_of(recipe: Recipe) -> dict[str, float]:
    """What errors cost by the last choice of a limit, else what is usual."""
    chosen, usual = recipe.settings.training.get(CHOSEN, {}), Costs()
    names = ("escape", "overkill", "defect_rate")
    return {name: float(chosen.get(name, getattr(usual, name))) for name in names}


def _kept(context: Context, recipe_id: str) -> Path:
    return context.folder / KEPT_RECIPES / f"{recipe_id}.recipe"


def labelled_as(parts: StoredParts, truth: Truth) -> NDArray[np.bool_]:
    """Which parts that could be inspected have this label."""
    found: NDArray[np.bool_] = (parts.truth == truth) & (parts.kind != Kind.CANNOT)
    return found


def _outcomes(
    parts: StoredParts, recipe: Recipe, at: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which parts pass at a limit, and of which it cannot be known, as `Kind` tells."""
    own, kind = recipe.settings.calibration.threshold, parts.kind
    if math.isclose(at, own, rel_tol=1e-12):
        return parts.verdict == 0, np.zeros(len(kind), dtype=np.bool_)
    below = np.nan_to_num(parts.score, nan=np.inf) <= at
    unknown = np.where(
        below,
        kind == Kind.SEVERAL_VIEWS,
        (kind == Kind.RULE_MAY_ALLOW)
        | (kind == Kind.RULE_ALLOWED)
        | ((kind == Kind.RULE_REFUSED) & (at >= own)),
    )
    return below & ~unknown, unknown


def share_of(
    which: NDArray[np.bool_], counted: NDArray[np.bool_], unknown: NDArray[np.bool_]
) -> dict[str, Any]:
    """From `count` to `most` of `n`; the exact interval holds both ends."""
    n, count = int(which.sum()), int((which & counted).sum())
    most = count + int((which & unknown).sum())
    ci95 = [exact_interval(count, n)[0], exact_interval(most, n)[1]] if n else [0.0, 1.0]
    return {"n": n, "count": count, "most": most, "ci95": ci95}
