"""What the trainings page does: list, name, compare, try, and put on the line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from inspection.intervals import exact_interval
from inspection.jobs import TRAIN, TRY, Job
from inspection.labels.confusion import Share
from inspection.labels.labels import Labels
from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.context import Context
from ui.core.deploy import put_on_line, target_of
from ui.core.errors import Refuse
from ui.core.panel import Asker, Cell, asker, request_of, shown, table_value, told
from ui.core.trials import parts_to_try, start_trial, trained
from ui.pages.trainings.history import Training, note, trainings
from ui.security.users import Role

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
        me = asker(self.context, event, Role.ENGINEER)
        found = await self._trainings(product, view)
        ids = [each.job.id for each in found]
        choices = [(_label(each, me), each.job.id) for each in found]
        first = first if first in ids else next(iter(ids), None)
        others = [each for each in ids if each != first]
        second = second if second in others else next(iter(others), None)
        one = next((each for each in found if each.job.id == first), None)
        running = await asyncio.to_thread(self.jobs.running, TRAIN, TRY)
        return [
            _table(found, me),
            gr.update(choices=choices, value=first),
            gr.update(choices=choices, value=second),
            _compared(found, first, second, me),
            "" if one is None else one.name,
            "" if one is None else one.note,
            _told(running, me, none=not found),
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

    def pick(self, event: gr.SelectData) -> str | None:
        """The training whose row was clicked, wherever sorting put it."""
        return str(event.row_value[COLUMNS.index("at")])

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


def _label(training: Training, me: Asker) -> str:
    """How a training is called where one is to be chosen."""
    called = training.name or (training.recipe_id or training.job.state)[:12]
    return f"{me.wording.moment(training.job.at, seconds=False)} · {called}"


def _table(found: list[Training], me: Asker) -> dict[str, Any]:
    rows = [[_FIGURES[name](each, me) for name in COLUMNS] for each in found]
    return table_value([me.say(f"trainings.column_{name}") for name in COLUMNS], rows)


def _compared(
    found: list[Training], first: str | None, second: str | None, me: Asker
) -> dict[str, Any]:
    by_id = {each.job.id: each for each in found}
    two = [by_id[each] for each in (first, second) if each in by_id]
    rows = [
        [me.say(f"trainings.column_{name}"), *(shown(_FIGURES[name](each, me)) for each in two)]
        for name in (FIGURES if two else ())
    ]
    return table_value([me.say("trainings.figure"), *(_label(each, me) for each in two)], rows)


def _told(running: Job | None, me: Asker, *, none: bool) -> str:
    if running is None:
        return me.say("trainings.none" if none else "trainings.idle")
    share = me.wording.percent(running.done / running.of) if running.of else f"{running.done}"
    values = {"who": running.who, "share": share, "seconds": f"{running.seconds:.0f}"}
    return me.say(f"trainings.at_work_{running.kind}", **values)


def _share(share: Share | None, me: Asker) -> Cell:
    """How many of how many, and the exact 95 % interval; sorted by the share."""
    if share is None or not share.of:
        return Cell(None, "–")
    ci95 = exact_interval(share.count, share.of)
    return Cell(share.count / share.of, me.wording.of(share.count, share.of, ci95))


def _figure(value: Any, me: Asker) -> Cell:
    return Cell(value, me.wording.figure(value))


def _number(value: Any, me: Asker, digits: int = 0, unit: str = "", times: float = 1) -> Cell:
    return Cell(value, "–" if value is None else me.wording.number(times * value, digits, unit))


def _percent(value: Any, me: Asker) -> Cell:
    return Cell(value, me.wording.percent(value))


def _size(result: Mapping[str, Any], me: Asker) -> Cell:
    canvas = result.get("canvas")
    if not canvas:
        return Cell(None, "–")
    width, height = canvas["width_px"], canvas["height_px"]
    return Cell(
        width * height, f"{me.wording.number(width)} × {me.wording.number(height, 0, 'px')}"
    )


_FIGURES: dict[str, Callable[[Training, Asker], Cell | str]] = {
    "name": lambda each, me: each.name or "–",
    "at": lambda each, me: Cell(each.job.id, me.wording.moment(each.job.at, seconds=False)),
    "who": lambda each, me: each.job.who,
    "state": lambda each, me: me.say(
        "trainings.on_line" if each.on_line else f"trainings.state_{each.job.state}"
    ),
    "model": lambda each, me: each.model or "–",
    "effort": lambda each, me: me.say(f"trainings.effort_{each.effort}") if each.effort else "–",
    "size": lambda each, me: _size(each.job.result or {}, me),
    "good": lambda each, me: _number(each.job.about.get("n_good"), me),
    "pass_limit": lambda each, me: _figure(each.result("threshold"), me),
    "promised": lambda each, me: _percent(each.result("false_reject_promised"), me),
    "escapes": lambda each, me: _share(each.escapes, me),
    "overkill": lambda each, me: _share(each.overkill, me),
    "seconds": lambda each, me: _number(each.job.seconds, me, 0, "s"),
    "recipe": lambda each, me: "–" if each.recipe_id is None else each.recipe_id[:12],
    "fail_limit": lambda each, me: _figure(each.result("fail_threshold"), me),
    "bound": lambda each, me: _percent(each.result("false_reject_bound"), me),
    "reviewed": lambda each, me: _percent(each.result("review_estimated"), me),
    "asked": lambda each, me: _percent(each.result("false_reject_asked"), me),
    "auroc": lambda each, me: _number(each.auroc, me, 3),
    "bytes": lambda each, me: _number(each.result("recipe_bytes"), me, 1, "MB", 1e-6),
    "note": lambda each, me: each.note or "–",
}
"""A moment is sorted by the training's id, which begins with it and leads back to it."""
