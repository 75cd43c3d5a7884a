"""What the analysis page does: choose parts, list those that flip, and put another limit on the line."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any

import gradio as gr

from ui.core.context import Context
from ui.core.errors import Refuse, checked
from ui.core.panel import Asker, asker, done, told
from ui.core.part_choice import FIELDS, PartChoice
from ui.pages.analysis import limit, parts, release, zone_limits
from ui.pages.analysis.requests import CostsGiven, Judged, Listed
from ui.pages.analysis.sentences import ID, limit_lines, zone_lines
from ui.pages.analysis.service import AnalysisService
from ui.security.users import Role

LATEST = (10_000, 20_000, 50_000)
LISTS = ("flips", "unknown")
SIGNS = {"PASS": "●", "FAIL": "■", "REVIEW": "▲", "CANNOT_INSPECT": "◆"}
BOXES = ("proposal", "zoning", "asking")
"""One at most is open."""
SHOWN = (
    "slider",
    "line",
    "propose",
    "apply",
    "zones",
    "back",
    *CostsGiven.model_fields,
    "table",
    "deed",
    *BOXES,
)
"""What shows the parts asked for, and the recipe on the line."""
QUESTION = ("deed", "question", "what", "figures", *BOXES)

Deed = dict[str, Any]
"""What was asked before it is done: `threshold` with `costs`, or `zones`."""


class Handlers:
    """Each public method answers an event; `asked` are the parts that are shown, kept by the session."""

    def __init__(self, context: Context, choice: PartChoice) -> None:
        self.context, self.choice = context, choice
        self.work = AnalysisService(context)
        self._turn = itertools.count(1)

    # Which parts

    async def open(self, event: gr.Request) -> list[Any]:
        """What may be chosen, and what was used last."""
        me = asker(self.context, event, Role.ENGINEER)
        span, lot, _, _ = await self.choice.fill(me.language)
        latest = [(me.say("analysis.latest_parts", count=me.wording.number(n)), n) for n in LATEST]
        return [
            span,
            lot,
            gr.update(choices=await self.work.do(self.work.products)),
            await self._recipes(me, None, None),
            gr.update(choices=latest, value=LATEST[0]),
            gr.update(
                choices=[(me.say(f"analysis.list_{name}"), name) for name in LISTS],
                value=LISTS[0],
            ),
        ]

    async def narrow(self, event: gr.Request, product: str | None, recipe: str | None) -> Any:
        """The recipes of a product."""
        me = asker(self.context, event, Role.ENGINEER)
        return await self._recipes(me, product, recipe)

    async def show(self, event: gr.Request, latest: int, *chosen: Any) -> list[Any]:
        """The parts chosen on top; of one recipe, the last used where none was chosen."""
        me = asker(self.context, event, Role.ENGINEER)
        only, asked = await done(partial(self._asked, me, latest, chosen))
        return [only, asked, *await self._shown(me, asked)]

    async def rest(
        self, event: gr.Request, data: gr.EventData, which: str
    ) -> tuple[dict[str, Any], str, dict[str, Any]]:
        """The parts that flip where the slider came to rest, or those of which it cannot be known."""
        return await self.again(event, data._data, which)

    async def again(
        self, event: gr.Request, told_of: Any, which: str
    ) -> tuple[dict[str, Any], str, dict[str, Any]]:
        """The other list of the same place."""
        me = asker(self.context, event, Role.ENGINEER)
        listed = checked(Listed, **(told_of or {}))
        numbers = getattr(listed, which)
        found = await self.work.do(parts.lines, self.work.store, numbers)
        key = "to_pass" if listed.upwards else "to_reject"
        values = {
            "count": me.wording.number(getattr(listed, f"all_{which}")),
            "shown": len(numbers),
        }
        title = me.say(f"analysis.list_{key if which == LISTS[0] else 'of_unknown'}", **values)
        return listed.model_dump(), title, self._cards(me, found)

    # A limit

    async def propose(self, event: gr.Request, asked: Judged, *costs: float) -> list[Any]:
        """Move the slider to the limit that costs least; nothing on the line changes."""
        me = asker(self.context, event, Role.ENGINEER)

        async def proposed() -> list[Any]:
            names = CostsGiven.model_fields
            given = checked(CostsGiven, **dict(zip(names, costs, strict=True)))
            recipe = self.work.present(asked.recipe, me.wording)
            read = await self.work.do(self.work.read, asked, recipe)
            found = await self.work.do(limit.proposal, read, recipe, given.as_costs())
            if found["why_not"]:
                auroc = f"{found.get('auroc', 0):.2f}"
                raise Refuse(me.say(f"analysis.{found['why_not']}", auroc=auroc))
            text = me.say(
                "analysis.proposed_few" if found["few"] else "analysis.proposed",
                value=me.wording.figure(found["threshold"]),
                n=me.wording.number(found["n"]),
                good=me.wording.number(found["n_good"]),
            )
            move = {"at": found["threshold"], "turn": next(self._turn)}
            return [text, move, (found["threshold"], given), *opened(None)]

        return await told(proposed) or [gr.skip()] * (3 + len(BOXES))

    async def ask_limit(
        self, event: gr.Request, asked: Judged, by_costs: tuple[float, CostsGiven] | None, at: float
    ) -> list[Any]:
        """What the limit does, before it is put on the line."""
        me = asker(self.context, event, Role.ENGINEER)
        costs = by_costs[1] if by_costs is not None and by_costs[0] == at else None

        async def found() -> list[Any]:
            recipe = self.work.present(asked.recipe, me.wording)
            read = await self.work.do(self.work.read, asked, recipe)
            figures = await self.work.do(limit.at_limit, read, recipe, at)
            title = me.say("analysis.apply_title", value=me.wording.figure(figures["threshold"]))
            text = limit_lines(figures, me.wording)
            return await self._question(me, asked, {"threshold": at, "costs": costs}, title, text)

        return await told(found) or [gr.skip()] * len(QUESTION)

    async def ask_zones(self, event: gr.Request, asked: Judged, table: Sequence[Any]) -> list[Any]:
        """What the limits of zones do, before they are put on the line."""
        me = asker(self.context, event, Role.ENGINEER)

        async def found() -> list[Any]:
            recipe = self.work.present(asked.recipe, me.wording)
            read = await self.work.do(self.work.read, asked, recipe)
            limits = zone_limits.limits_of(table, scaled=zone_limits.scaled(recipe))
            figures = await self.work.do(zone_limits.with_limits, read, recipe, limits)
            text = zone_lines(figures, me.wording)
            title = me.say("analysis.zones_sure")
            return await self._question(me, asked, {"zones": limits}, title, text)

        return await told(found) or [gr.skip()] * len(QUESTION)

    async def agreed(self, event: gr.Request, asked: Judged, deed: Deed | None) -> list[Any]:
        """Do what was asked for, then show what is on the line now."""
        me = asker(self.context, event, Role.ENGINEER)
        text = await told(partial(self._done, me, asked, deed))
        yes = gr.update(value=me.say("analysis.apply_yes"), interactive=True)
        if text is None:
            return [yes, *[gr.skip()] * (1 + len(SHOWN))]
        return [yes, text, *await self._shown(me, asked)]

    async def back(self, event: gr.Request, asked: Judged) -> list[Any]:
        """Put the recipe that was on the line before there again."""
        me = asker(self.context, event, Role.ENGINEER)
        recipe_id = await told(partial(release.put_back, self.work, me, asked))
        text = "" if recipe_id is None else me.say("analysis.went_back", recipe=recipe_id[:ID])
        return [text, *await self._shown(me, asked)]

    async def busy(self, event: gr.Request) -> Any:
        """Say at once that something is done."""
        me = asker(self.context, event, Role.ENGINEER)
        return gr.update(value=me.say("base.working"), interactive=False)

    # What is shown

    async def _recipes(self, me: Asker, product: str | None, chosen: str | None) -> Any:
        """The recipes to choose from; what is chosen stays where it is one of them."""

        def read() -> Any:
            choices = []
            for place, seen in enumerate(self.work.recipes(product)):
                key = "recipe_choice" if self.work.has(seen.recipe_id) else "recipe_gone"
                values = {"product": seen.product or "–", "id": seen.recipe_id[:ID]}
                last = "" if place else f" · {me.say('analysis.last_used')}"
                choices.append((me.say(f"analysis.{key}", **values) + last, seen.recipe_id))
            there = chosen in [recipe_id for _, recipe_id in choices]
            return gr.update(choices=choices, value=chosen if there else None)

        return await self.work.do(read)

    async def _asked(self, me: Asker, latest: int, chosen: Sequence[Any]) -> tuple[str, Judged]:
        """Which parts they are; and that only one recipe's are shown, where several could be meant."""
        given = dict(zip(FIELDS, chosen, strict=True))
        between = self.choice.parts(given)
        asked = checked(
            Judged,
            **{name: given[name] for name in ("product", "recipe", "lot")},
            since=between.since,
            until=between.until,
            limit=latest,
        )
        if asked.recipe is not None:
            return "", asked
        seen = [each.recipe_id for each in await self.work.do(self.work.recipes, asked.product)]
        last = next(iter(seen), None)
        several = last is not None and len(set(seen)) > 1
        only = me.say("analysis.only_last", recipe=last[:ID]) if several and last else ""
        return only, asked.model_copy(update={"recipe": last})

    async def _shown(self, me: Asker, asked: Judged) -> list[Any]:
        """The slider anew, what is on the line, and what can be done with it, by SHOWN."""

        def read() -> list[Any]:
            recipe = self.work.recipe(asked.recipe)
            line: dict[str, Any] = {"on_line": False, "recipe_id": None, "before": None}
            costs: dict[str, Any] = {}
            zones: list[Any] = []
            if recipe is not None:
                line = limit.line_message(self.context, recipe.id, asked.product)
                costs = limit.costs_of(recipe)
                zones = zone_limits.zone_limits(recipe)
            say, figure, before = me.say, me.wording.figure, line["before"] or {}
            can = gr.update(visible=recipe is not None, interactive=line["on_line"])
            slider = {
                "asked": asked.model_dump(mode="json", exclude_none=True),
                "on_line": line.get("threshold"),
                "turn": next(self._turn),
            }
            back = {
                "recipe": before.get("recipe_id", "")[:ID],
                "value": figure(before.get("threshold")),
            }
            return [
                slider,
                "" if recipe is None else self._line(me, line),
                gr.update(visible=recipe is not None),
                can,
                gr.update(visible=bool(zones), interactive=line["on_line"]),
                gr.update(
                    visible=bool(before), interactive=True, value=say("analysis.back", **back)
                ),
                *(costs.get(name) for name in CostsGiven.model_fields),
                {} if recipe is None else self._zones(me, zones, zone_limits.scaled(recipe)),
                None,
                *opened(None),
            ]

        return await self.work.do(read)

    def _line(self, me: Asker, line: dict[str, Any]) -> str:
        here, not_here = line["recipe_id"], me.say("analysis.apply_not")
        if here is None:
            return not_here
        value = me.wording.figure(line["threshold"])
        now = me.say("analysis.line_now", recipe=here[:ID], value=value)
        return now if line["on_line"] else f"{now}\n{not_here}"

    def _zones(self, me: Asker, zones: list[Any], scaled: bool) -> dict[str, Any]:
        names = zone_limits.names_of(scaled=scaled)
        heads = [me.say(f"analysis.zone_{name}") for name in names]
        rows = [[zone["name"], *(zone[name] for name in names)] for zone in zones]
        return {"headers": [me.say("analysis.zone"), *heads], "data": rows}

    async def _question(
        self, me: Asker, asked: Judged, deed: Deed, title: str, figures: str
    ) -> list[Any]:
        """Ask before something goes on the line, by QUESTION. Raises InspectionError."""
        place = await self.work.do(limit.place_of, self.context, asked.recipe or "", asked.product)
        text = me.say("analysis.apply_text", products=", ".join(place.products))
        return [deed, title, text, figures, *opened("asking")]

    async def _done(self, me: Asker, asked: Judged, deed: Deed | None) -> str:
        """Put it on the line, and say so."""
        deed = deed or {}
        if "zones" in deed:
            recipe_id = await release.apply_zones(self.work, me, asked, deed["zones"])
            return me.say("analysis.zones_applied", recipe=recipe_id[:ID])
        costs = deed["costs"] and deed["costs"].as_costs()
        value, recipe_id = await release.apply_limit(self.work, me, asked, deed["threshold"], costs)
        value_text = me.wording.figure(value)
        return me.say("analysis.applied", value=value_text, recipe=recipe_id[:ID])

    def _cards(self, me: Asker, found: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Small pictures; of numbers, names that are ours, and words of the catalogue."""
        return {
            "shown": str(len(found)),
            "parts": [
                {
                    **part,
                    "sign": SIGNS[part["verdict"]],
                    "score": me.wording.figure(_float(part["score"])),
                    "name": me.say("parts.picture_of", number=part["number"]),
                    "none": me.say("analysis.no_picture_short"),
                }
                for part in found
            ],
        }


def opened(box: str | None) -> list[Any]:
    """Open one of the BOXES, and close the others."""
    return [gr.update(visible=each == box) for each in BOXES]


def _float(score: Any) -> float | None:
    """A score that is not finite comes by its name."""
    return None if score is None else float(score)
