"""What the trainings page does: list, name, compare, try, and put on the line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import gradio as gr

from inspection.intervals import exact_interval
from inspection.jobs import TRAIN, TRY
from inspection.labels.confusion import Share
from inspection.labels.labels import Labels
from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.context import Context
from ui.core.deploy import put_on_line, target_of
from ui.core.errors import Refuse
from ui.core.panel import request_of, told
from ui.core.trials import parts_to_try, start_trial, trained
from ui.pages.trainings.history import Training, note, trainings

COLUMNS = (
    "name", "at", "who", "state", "model", "effort", "size", "good", "pass_limit", "promised",
    "escapes", "overkill", "seconds",
)  # fmt: skip
FIGURES = (
    *COLUMNS, "recipe", "fail_limit", "bound", "reviewed", "asked", "auroc", "bytes", "note",
)  # fmt: skip

BUTTONS = 3
"""Of the panel: keep, try and release, which need a chosen training."""


class Handlers:
    """Each public method answers an event; most give `shown` of the panel."""

    def __init__(self, context: Context) -> None:
        self.context, self.jobs = context, context.jobs
        self.labels = Labels()

    async def open(self, event: gr.Request) -> list[Any]:
        """The products, and the trainings of the first."""
        settings = self.context.settings
        products = [product.name for product in settings.products]
        views = [view.name for view in settings.views]
        product, view = settings.first_product, views[0]
        return [
            gr.update(choices=products, value=product),
            gr.update(choices=views, value=view, visible=len(views) > 1),
            *await self.show(product, view, None, None, event),
        ]

    async def show(
        self, product: str, view: str, first: str | None, second: str | None, event: gr.Request
    ) -> list[Any]:
        """The table of trainings, the two chosen ones side by side, and whether one is at work."""
        language = request_of(event).scope["language"]
        found = await self._trainings(product, view)
        ids = [each.job.id for each in found]
        choices = [(each.label, each.job.id) for each in found]
        first = first if first in ids else next(iter(ids), None)
        others = [each for each in ids if each != first]
        second = second if second in others else next(iter(others), None)
        one = next((each for each in found if each.job.id == first), None)
        running = await asyncio.to_thread(self.jobs.running, TRAIN, TRY)
        return [
            self._table(found, language),
            gr.update(choices=choices, value=first),
            gr.update(choices=choices, value=second),
            self._compared(found, first, second, language),
            "" if one is None else one.name,
            "" if one is None else one.note,
            self._told(running, language, none=not found),
            gr.Timer(active=running is not None),
            *[gr.update(interactive=one is not None and one.job.result is not None)] * BUTTONS,
        ]

    async def compare(
        self, product: str, view: str, first: str | None, second: str | None, event: gr.Request
    ) -> list[Any]:
        """Two trainings side by side, and the name and note of the first."""
        _, _, _, compared, name, text, _, _, *buttons = await self.show(
            product, view, first, second, event
        )
        return [compared, name, text, *buttons]

    async def watch(
        self, product: str, view: str, first: str | None, second: str | None, event: gr.Request
    ) -> list[Any]:
        """The same while a training or a trial is at work; what a person types is left alone."""
        table, _, _, compared, _, _, *rest = await self.show(product, view, first, second, event)
        return [table, compared, *rest]

    async def pick(self, product: str, view: str, event: gr.SelectData) -> str | None:
        """The training whose row was clicked."""
        found = await self._trainings(product, view)
        place = int(event.index[0])
        return found[place].job.id if place < len(found) else None

    async def name(
        self,
        product: str,
        view: str,
        first: str,
        second: str,
        name: str,
        text: str,
        event: gr.Request,
    ) -> list[Any]:
        """Keep a name and a note."""
        request = request_of(event)

        async def noted() -> None:
            job = await asyncio.to_thread(trained, self.jobs, first or "")
            about = {"training": job.id, "name": name, "comment": text}
            async with audited(self.context, request, ActionKind.TRAINING_NAMED, **about):
                await asyncio.to_thread(note, job, name=name, text=text)

        await told(noted)
        return await self.show(product, view, first, second, event)

    async def attempt(
        self, product: str, view: str, first: str, second: str, event: gr.Request
    ) -> list[Any]:
        """Try the first one's recipe on recorded parts and its own good ones."""
        request = request_of(event)
        who = request.scope["user"].name

        async def tried() -> None:
            job = await asyncio.to_thread(trained, self.jobs, first or "")
            parts = await asyncio.to_thread(parts_to_try, self.context, job)
            about = {"product": product, "view": view, "training": job.id}
            async with audited(self.context, request, ActionKind.RECIPE_TRIED, **about):
                await asyncio.to_thread(start_trial, self.jobs, job, parts, who=who)

        await told(tried)
        return await self.show(product, view, first, second, event)

    async def release(
        self, product: str, view: str, first: str, second: str, sure: bool, event: gr.Request
    ) -> list[Any]:
        """Put the first one's recipe on the line; the one there now is kept."""
        request = request_of(event)

        async def released() -> None:
            if not sure:
                text = self.context.words.say("trainings.be_sure", request.scope["language"])
                raise Refuse(text)
            job = await asyncio.to_thread(trained, self.jobs, first or "")
            if (job.about["product"], job.about["view"]) != (product, view):
                raise Refuse(f"training {job.id}: is of another product or view")
            target = target_of(self.context, product, view)
            await put_on_line(self.context, job.recipe, target, who=request.scope["user"].name)

        await told(released)
        return [*await self.show(product, view, first, second, event), False]

    async def _trainings(self, product: str, view: str) -> list[Training]:
        await asyncio.to_thread(self.labels.refresh, self.context.store)
        return await asyncio.to_thread(trainings, self.context, product, view, self.labels)

    def _table(self, found: list[Training], language: str) -> dict[str, Any]:
        say = self._say(language)
        rows = [[_FIGURES[name](each, say) for name in COLUMNS] for each in found]
        heads = [self.context.words.say(f"trainings.column_{name}", language) for name in COLUMNS]
        return {"headers": heads, "data": rows}

    def _compared(
        self, found: list[Training], first: str | None, second: str | None, language: str
    ) -> dict[str, Any]:
        say, words = self._say(language), self.context.words
        by_id = {each.job.id: each for each in found}
        two = [by_id[each] for each in (first, second) if each in by_id]
        rows = [
            [
                words.say(f"trainings.column_{name}", language),
                *(_FIGURES[name](each, say) for each in two),
            ]
            for name in (FIGURES if two else ())
        ]
        return {"headers": [say("trainings.figure"), *(each.label for each in two)], "data": rows}

    def _told(self, running: Any, language: str, *, none: bool) -> str:
        if running is None:
            return self.context.words.say("trainings.none" if none else "trainings.idle", language)
        share = f"{100 * running.done / running.of:.0f} %" if running.of else f"{running.done}"
        values = {"who": running.who, "share": share, "seconds": f"{running.seconds:.0f}"}
        return self.context.words.say(f"trainings.at_work_{running.kind}", language, **values)

    def _say(self, language: str) -> Callable[..., str]:
        def say(name: str, **values: object) -> str:
            return self.context.words.say(name, language, **values)

        return say


def _share(share: Share | None) -> str:
    """How many of how many, and the exact 95 % interval."""
    if share is None or not share.of:
        return "–"
    low, high = exact_interval(share.count, share.of)
    return f"{share.count} / {share.of} ({100 * low:.0f}–{100 * high:.0f} %)"


def _number(value: Any, form: str = ".4g") -> str:
    return "–" if value is None else format(value, form)


def _percent(value: Any) -> str:
    return "–" if value is None else f"{100 * value:.2f} %"


Say = Callable[..., str]
_FIGURES: dict[str, Callable[[Training, Say], str]] = {
    "name": lambda each, say: each.name or "–",
    "at": lambda each, say: each.job.at[:16].replace("T", " "),
    "who": lambda each, say: each.job.who,
    "state": lambda each, say: (
        say("trainings.on_line") if each.on_line else say(f"trainings.state_{each.job.state}")
    ),
    "model": lambda each, say: each.model or "–",
    "effort": lambda each, say: say(f"trainings.effort_{each.effort}") if each.effort else "–",
    "size": lambda each, say: f"{each.size_px} px" if each.size_px else "–",
    "good": lambda each, say: f"{each.job.about.get('n_good', '–')}",
    "pass_limit": lambda each, say: _number(each.result("threshold")),
    "promised": lambda each, say: _percent(each.result("false_reject_promised")),
    "escapes": lambda each, say: _share(each.escapes),
    "overkill": lambda each, say: _share(each.overkill),
    "seconds": lambda each, say: f"{each.job.seconds:.0f} s",
    "recipe": lambda each, say: "–" if each.recipe_id is None else each.recipe_id[:12],
    "fail_limit": lambda each, say: _number(each.result("fail_threshold")),
    "bound": lambda each, say: _percent(each.result("false_reject_bound")),
    "reviewed": lambda each, say: _percent(each.result("review_estimated")),
    "asked": lambda each, say: _percent(each.result("false_reject_asked")),
    "auroc": lambda each, say: _number(each.auroc, ".3f"),
    "bytes": lambda each, say: _megabytes(each.result("recipe_bytes")),
    "note": lambda each, say: each.note or "–",
}


def _megabytes(value: Any) -> str:
    return "–" if value is None else f"{value / 1e6:.1f} MB"
