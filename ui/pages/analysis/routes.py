"""The page /engineer/analysis: what another limit would do, and the limit put on the line."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ParamSpec, TypeVar

from fastapi import APIRouter, Request, Response

from inspection.errors import InspectionError
from inspection.labels.labels import Labels
from inspection.recipe import Recipe, write_recipe
from inspection.station.recipe_library import RecipeLibrary
from inspection.store.event_kinds import ActionKind
from inspection.store.reading.summary import lots_seen, recipes_seen
from ui.core.audit import audited
from ui.core.context import Context
from ui.core.deploy import put_on_line
from ui.core.errors import Refuse
from ui.core.page import Page
from ui.pages.analysis import limit, parts, threshold, zone_limits
from ui.pages.analysis.requests import (
    Judged,
    LimitRequest,
    Numbers,
    ProposalRequest,
    RecipeAndProduct,
    ZonesRequest,
)
from ui.pages.analysis.thumbnails import Thumbs
from ui.security.users import Role

PAGE = Page(
    name="analysis",
    path="/engineer/analysis",
    role=Role.ENGINEER,
    label="analysis.page",
    order=40,
)
FOREVER = "private, max-age=86400, immutable"
AT_ONCE = 2

P = ParamSpec("P")
T = TypeVar("T")


def routes(context: Context) -> APIRouter:
    """Answer what the page asks."""
    router = APIRouter(prefix="/api/engineer/analysis")
    work = _AnalysisService(context)
    _judge_again(router, work)
    _limit(router, work)
    _parts(router, work)
    return router


class _AnalysisService:
    """What the routes share: the record, the labels, and at most two questions at a time."""

    def __init__(self, context: Context) -> None:
        self.context, self.store = context, context.store
        self.station = context.settings.station
        self.labels = Labels()
        self._recipes = RecipeLibrary(context.settings, context.folder)
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def do(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something in a thread, after those that came first."""
        async with self._gate:
            return await asyncio.to_thread(functools.partial(function, *args, **kwargs))

    def recipe(self, recipe_id: str | None) -> Recipe | None:
        """Find a recipe on this machine, None where it is not there."""
        try:
            return None if recipe_id is None else self._recipes.find(recipe_id)
        except InspectionError:
            return None  # a damaged file among them; what needs no recipe is shown all the same

    def has(self, recipe_id: str) -> bool:
        """Tell whether a recipe is on this machine."""
        try:
            return self._recipes.has(recipe_id)
        except InspectionError:
            return False

    def refuse(self, request: Request, key: str, status: int = 409, **values: object) -> Refuse:
        """Make a refusal in the person's language."""
        text = self.context.words.say(f"analysis.{key}", request.scope["language"], **values)
        return Refuse(text, status=status)


def _judge_again(router: APIRouter, work: _AnalysisService) -> None:
    @router.get("/choices")
    async def choices() -> dict[str, Any]:
        """List what may be asked for, the recipe last used first."""
        return await work.do(_choices, work)

    @router.post("/stored")
    async def stored(asked: Judged, request: Request) -> dict[str, Any]:
        """List the latest parts of a recipe as arrays, to be judged again in the browser."""
        if asked.recipe is None:
            raise work.refuse(request, "no_recipe_chosen", 400)
        return await work.do(_stored, work, asked)

    @router.post("/lines")
    async def lines(wanted: Numbers) -> dict[str, Any]:
        """List a few parts by their numbers."""
        return {"parts": await work.do(parts.lines, work.store, wanted.numbers)}


def _limit(router: APIRouter, work: _AnalysisService) -> None:
    context = work.context

    @router.post("/limit/at")
    async def at(asked: LimitRequest, request: Request) -> dict[str, Any]:
        """Say what a limit promises, and does to the labelled parts."""
        recipe = _present(work, asked, request)
        parts_read = await work.do(_read, work, asked, recipe)
        return await work.do(limit.at_limit, parts_read, recipe, asked.threshold)

    @router.post("/limit/propose")
    async def propose(asked: ProposalRequest, request: Request) -> dict[str, Any]:
        """Propose the limit that costs least by the labelled parts."""
        recipe = _present(work, asked, request)
        parts_read = await work.do(_read, work, asked, recipe)
        return await work.do(limit.proposal, parts_read, recipe, asked.costs.as_costs())

    @router.post("/limit/apply")
    async def apply(asked: LimitRequest, request: Request) -> dict[str, Any]:
        """Put the recipe with this limit on the line, as a release; the one there now is kept."""
        recipe, who = _present(work, asked, request), request.scope["user"].name
        place = await work.do(limit.place_of, context, recipe.id, asked.product)
        parts_read = await work.do(_read, work, asked, recipe)
        figures = await work.do(limit.at_limit, parts_read, recipe, asked.threshold)
        costs = None if asked.costs is None else asked.costs.as_costs()
        chosen = await work.do(limit.chosen_by, context, place, who=who, costs=costs)
        about: dict[str, Any] = {
            "products": list(place.products),
            "recipe_id": recipe.id,
            "released_by": chosen["released_by"],
            "limit_before": recipe.settings.calibration.threshold,
            "limit": figures["threshold"],
            "promised": figures["false_reject_promised"],
            "escapes": _of(figures["escapes"]),
            "overkill": _of(figures["overkill"]),
        }
        changed = limit.moved(recipe, asked.threshold, chosen)
        done = await _released(context, request, place, changed, about)
        return {**done, "threshold": figures["threshold"]}

    @router.post("/limit/zones/at")
    async def zones_at(asked: ZonesRequest, request: Request) -> dict[str, Any]:
        """Say what limits of zones do to the labelled parts."""
        recipe = _present(work, asked, request)
        parts_read = await work.do(_read, work, asked, recipe)
        return await work.do(zone_limits.with_limits, parts_read, recipe, asked.limits)

    @router.post("/limit/zones/apply")
    async def zones_apply(asked: ZonesRequest, request: Request) -> dict[str, Any]:
        """Put the recipe with these limits of its zones on the line, as a release; the one there now is kept."""
        recipe, who = _present(work, asked, request), request.scope["user"].name
        place = await work.do(limit.place_of, context, recipe.id, asked.product)
        parts_read = await work.do(_read, work, asked, recipe)
        figures = await work.do(zone_limits.with_limits, parts_read, recipe, asked.limits)
        chosen = await work.do(limit.chosen_by, context, place, who=who, costs=None)
        changed = zone_limits.with_zone_limits(recipe, asked.limits, chosen)
        about: dict[str, Any] = {
            "products": list(place.products),
            "recipe_id": recipe.id,
            "released_by": chosen["released_by"],
            "zones_before": zone_limits.zone_limits(recipe),
            "zones": zone_limits.zone_limits(changed),
            "escapes": _of(figures["escapes"]),
            "overkill": _of(figures["overkill"]),
        }
        return await _released(context, request, place, changed, about)

    @router.post("/limit/back")
    async def back(asked: RecipeAndProduct, request: Request) -> dict[str, Any]:
        """Put the recipe that was there before back on the line."""
        place = await work.do(limit.place_of, context, asked.recipe or "", asked.product)
        before = limit.kept_before(context, place)
        done = await put_on_line(context, before, place.file, who=request.scope["user"].name)
        return {"ok": True, **done}


async def _released(
    context: Context, request: Request, place: limit.Place, changed: Recipe, about: dict[str, Any]
) -> dict[str, Any]:
    """Note that limits were applied, then put the recipe that has them on the line."""
    async with audited(context, request, ActionKind.LIMIT_APPLIED, **about):
        with TemporaryDirectory(dir=context.folder, prefix=".limit-") as folder:
            new = Path(folder, place.file.name)
            await asyncio.to_thread(write_recipe, changed, new)
            done = await put_on_line(context, new, place.file, who=request.scope["user"].name)
    return {"ok": True, **done}


def _of(share: dict[str, Any]) -> str:
    least, most, n = share["count"], share["most"], share["n"]
    return f"{least if least == most else f'{least}-{most}'} of {n}"


def _present(work: _AnalysisService, asked: Judged, request: Request) -> Recipe:
    recipe = work.recipe(asked.recipe)
    if recipe is None:
        raise work.refuse(request, "no_recipe_here", 404)
    return recipe


def _parts(router: APIRouter, work: _AnalysisService) -> None:
    thumbs = Thumbs(work.store)

    @router.get("/thumb/{part_id}")
    async def thumb(part_id: str, request: Request) -> Response:
        """Show a small picture of a part."""
        data = await asyncio.to_thread(thumbs.of, part_id)
        if data is None:
            raise Refuse(
                work.context.words.say("parts.no_picture", request.scope["language"]), status=404
            )
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": FOREVER})


def _choices(work: _AnalysisService) -> dict[str, Any]:
    recipes = [
        {**asdict(seen), "here": work.has(seen.recipe_id)} for seen in recipes_seen(work.store)[:50]
    ]
    products = [product.name for product in work.context.settings.products]
    older = {str(seen["product"]) for seen in recipes if seen["product"]} - set(products)
    return {
        "recipes": recipes,
        "products": products + sorted(older),
        "lots": lots_seen(work.store),
    }


def _read(work: _AnalysisService, asked: Judged, recipe: Recipe | None) -> threshold.StoredParts:
    return threshold.read_parts(
        work.store,
        asked.parts(work.station),
        limit=asked.limit,
        labels=work.labels.read(work.store),
        recipe=recipe,
        several=len(work.context.settings.views) > 1,
    )


def _stored(work: _AnalysisService, asked: Judged) -> dict[str, Any]:
    recipe = work.recipe(asked.recipe)
    found = threshold.stored(
        _read(work, asked, recipe),
        recipe=recipe,
        several=len(work.context.settings.views) > 1,
    )
    if recipe is None or asked.recipe is None:
        return found
    line = limit.line_message(work.context, asked.recipe, asked.product)
    scaled = recipe.settings.setup.scale_mm_per_px is not None
    zones = {"scaled": scaled, "zones": zone_limits.zone_limits(recipe)}
    return {**found, "line": line, "costs": limit.costs_of(recipe), "limits": zones}
