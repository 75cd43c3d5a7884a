"""A limit of the recipe, or those of its zones, put on the line as a release; and the way back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from inspection.recipe import Recipe, write_recipe
from inspection.store.event_kinds import ActionKind
from inspection.training.options import Costs
from ui.core.audit import audited
from ui.core.deploy import put_on_line
from ui.core.panel import Asker
from ui.pages.analysis import limit, zone_limits
from ui.pages.analysis.requests import Judged
from ui.pages.analysis.service import AnalysisService


async def apply_limit(
    work: AnalysisService, me: Asker, asked: Judged, threshold: float, costs: Costs | None
) -> tuple[float, str]:
    """Put the recipe with this PASS limit on the line; its limit and number. What was there is kept."""
    recipe = work.present(asked.recipe, me.wording)
    place = await work.do(limit.place_of, work.context, recipe.id, asked.product)
    parts = await work.do(work.read, asked, recipe)
    figures = await work.do(limit.at_limit, parts, recipe, threshold)
    chosen = await work.do(limit.chosen_by, work.context, place, who=me.name, costs=costs)
    changed = limit.moved(recipe, threshold, chosen)
    about = {
        "limit_before": recipe.settings.calibration.threshold,
        "limit": figures["threshold"],
        "promised": figures["false_reject_promised"],
    }
    new_id = await _released(work, me, place, recipe, changed, chosen, figures, about)
    return figures["threshold"], new_id


async def apply_zones(
    work: AnalysisService, me: Asker, asked: Judged, limits: zone_limits.Limits
) -> str:
    """Put the recipe with these limits of its zones on the line; its number. What was there is kept."""
    recipe = work.present(asked.recipe, me.wording)
    place = await work.do(limit.place_of, work.context, recipe.id, asked.product)
    parts = await work.do(work.read, asked, recipe)
    figures = await work.do(zone_limits.with_limits, parts, recipe, limits)
    chosen = await work.do(limit.chosen_by, work.context, place, who=me.name, costs=None)
    changed = zone_limits.with_zone_limits(recipe, limits, chosen)
    about = {
        "zones_before": zone_limits.zone_limits(recipe),
        "zones": zone_limits.zone_limits(changed),
    }
    return await _released(work, me, place, recipe, changed, chosen, figures, about)


async def put_back(work: AnalysisService, me: Asker, asked: Judged) -> str:
    """Put the recipe that was on the line before there again; its number."""
    line = await work.do(limit.line_message, work.context, asked.recipe or "", asked.product)
    place = await work.do(limit.place_of, work.context, line["recipe_id"] or "", asked.product)
    before = limit.kept_before(work.context, place)
    done = await put_on_line(work.context, before, place.file, who=me.name)
    return str(done["recipe_id"])


async def _released(
    work: AnalysisService, me: Asker, place: limit.Place, recipe: Recipe, changed: Recipe,
    chosen: dict[str, Any], figures: dict[str, Any], about: dict[str, Any],
) -> str:  # fmt: skip
    """Note that limits were applied, then put the recipe that has them on the line."""
    about |= {
        "products": list(place.products),
        "recipe_id": recipe.id,
        "released_by": chosen["released_by"],
        "escapes": _of(figures["escapes"]),
        "overkill": _of(figures["overkill"]),
    }
    context = work.context
    async with audited(context, me.request, ActionKind.LIMIT_APPLIED, **about):
        with TemporaryDirectory(dir=context.folder, prefix=".limit-") as folder:
            new = Path(folder, place.file.name)
            await asyncio.to_thread(write_recipe, changed, new)
            done = await put_on_line(context, new, place.file, who=me.name)
    return str(done["recipe_id"])


def _of(share: dict[str, Any]) -> str:
    least, most, n = share["count"], share["most"], share["n"]
    return f"{least if least == most else f'{least}-{most}'} of {n}"
