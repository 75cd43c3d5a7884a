"""The tabs of the charts page that are drawn when they are looked at: yield in steps, and measures of each part."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gradio as gr
from gradio.components.plot import PlotData

from inspection.errors import InspectionError
from inspection.judgement import Verdict
from inspection.recipe import Recipe
from inspection.station.recipe_library import RecipeLibrary
from inspection.store.filters import PartFilter
from ui.core.colours import colours_of, theme_of
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.core.panel import Asker, Cell, asker, done, notice, table_value
from ui.core.part_choice import FIELDS, PartChoice
from ui.core.pen import Pen
from ui.pages.charts.drawing_over_time import measure_chart, share_of, yield_chart
from ui.pages.charts.over_time import (
    MOST_STEPS,
    SCORE,
    STEPS,
    Measured,
    Step,
    TooManySteps,
    limits_of,
    measured,
    measures,
    steps_of,
)
from ui.security.users import Role

TIME, MEASURES = "time", "measures"
FIRST = (SCORE, "health.brightness", "latency.total")
"""The measures drawn first, one below the other."""
HOW_MANY = (1_000, 5_000, 20_000)
PART = "/engineer/parts#part="


class TimeHandlers:
    """Each public method answers an event; `shown` is the tab that is looked at, and nothing is drawn of another."""

    def __init__(self, context: Context, choice: PartChoice) -> None:
        self.context, self.choice = context, choice
        self.library = RecipeLibrary(context.settings, context.folder)

    async def open(self, event: gr.Request) -> list[Any]:
        """Steps, measures and how many parts to choose from."""
        me = asker(self.context, event, Role.ENGINEER)
        steps = [(me.say(f"charts.step_{step}"), step) for step in STEPS]
        counts = [
            (me.say("charts.latest", count=me.wording.number(count)), count) for count in HOW_MANY
        ]
        names = await self._names(PartFilter(station=self.context.settings.station), me)
        return [
            gr.update(choices=steps, value=STEPS[1]),
            gr.update(choices=counts, value=HOW_MANY[1]),
            *(gr.update(choices=names, value=each) for each in FIRST),
        ]

    async def yields(self, event: gr.Request, shown: str, step: str, *chosen: Any) -> list[Any]:
        """Parts by verdict in each step, as a chart and as a table."""
        me = asker(self.context, event, Role.ENGINEER)
        if shown != TIME:
            return [gr.skip()] * 3
        which = partial(self.choice.parts, dict(zip(FIELDS, chosen, strict=True)))

        async def read() -> Sequence[Step]:
            try:
                return await asyncio.to_thread(
                    lambda: steps_of(
                        self.context.store,
                        which(),
                        step if step in STEPS else STEPS[0],
                        self.context.settings.shifts,
                    )
                )
            except TooManySteps as error:
                said = me.say("charts.too_many_steps", steps=error.steps, most=MOST_STEPS)
                raise Refuse(said) from error

        steps = await done(read)
        if not any(each.counts.parts for each in steps):
            gone = gr.update(visible=False)
            return [gone, gone, me.say("charts.needs_parts")]
        plot = await asyncio.to_thread(yield_chart, steps, self._pen(me))
        return [
            gr.update(value=plot, visible=True),
            gr.update(value=_steps_table(steps, me), visible=True),
            "",
        ]

    async def points(
        self, event: gr.Request, shown: str, measure: str, how_many: int, *chosen: Any
    ) -> list[Any]:
        """One measure of the latest parts, and what it is of."""
        me = asker(self.context, event, Role.ENGINEER)
        if shown != MEASURES:
            return [gr.skip()] * 2
        which = partial(self.choice.parts, dict(zip(FIELDS, chosen, strict=True)))

        async def read() -> tuple[Measured, Recipe | None]:
            return await asyncio.to_thread(
                lambda: self._measured(which(), measure, min(int(how_many), HOW_MANY[-1]))
            )

        found, recipe = await done(read)
        if not len(found.value):
            return [gr.update(visible=False), me.say("charts.needs_parts")]
        limits = limits_of(measure, recipe, self.context.settings.deadline_ms)
        named = {
            f"{me.say(f'charts.limit_{name}')} {me.wording.figure(value)}": value
            for name, value in limits.items()
        }
        draw = partial(measure_chart, name=_name(measure, me), link=PART)
        drawn = await asyncio.to_thread(draw, found, named, self._pen(me))
        plot = PlotData(type="altair", plot=drawn)
        return [gr.update(value=plot, visible=True), _about(found, me)]

    async def _names(self, which: PartFilter, me: Asker) -> list[tuple[str, str]]:
        there = await asyncio.to_thread(measures, self.context.store, which)
        return [(_name(each, me), each) for each in dict.fromkeys([*there, *FIRST])]

    def _measured(
        self, which: PartFilter, measure: str, limit: int
    ) -> tuple[Measured, Recipe | None]:
        found = measured(self.context.store, which, measure, limit=limit)
        try:
            return found, None if found.recipe_id is None else self.library.find(found.recipe_id)
        except InspectionError:
            return found, None  # a damaged file among them; its limits are not shown

    def _pen(self, me: Asker) -> Pen:
        def say(name: str, **values: object) -> str:
            return me.say(name if "." in name else f"charts.{name}", **values)

        return Pen(say, colours_of(theme_of(me.request.cookies)))


def _steps_table(steps: Sequence[Step], me: Asker) -> dict[str, Any]:
    """The newest step first."""
    names = [me.say(f"report.verdict_{verdict.value}") for verdict in Verdict]
    heads = [
        me.say("charts.from"), me.say("charts.parts"), me.say("charts.yield"), *names,
        me.say("report.outside_yield"),
    ]  # fmt: skip
    rows: list[list[str | Cell]] = [
        [
            me.wording.moment(each.begin, seconds=False), _count(each.counts.parts, me),
            Cell(each.counts.yield_share, share_of(each)),
            *(_count(n, me) for n in each.counts.verdicts.values()),
            _count(each.counts.outside_yield, me),
        ]
        for each in reversed(steps) if each.counts.parts
    ]  # fmt: skip
    return table_value(heads, rows)


def _count(n: int, me: Asker) -> Cell:
    return Cell(n, me.wording.number(n))


def _name(measure: str, me: Asker) -> str:
    group, _, name = measure.partition(".")
    if not name:
        return me.say("charts.score")
    unit = " (ms)" if group == "latency" else ""
    return me.wording.said(f"measures.{group}_{name}", name) + unit


def _about(found: Measured, me: Asker) -> str:
    text = me.say("charts.measured", parts=len(found.value), recipe=(found.recipe_id or "–")[:8])
    if found.without:
        text += " " + me.say("charts.measured_without", parts=found.without)
    if found.others:
        text += " " + me.say("charts.measured_others", parts=found.others)
    return text


def time_tab(say: gr.I18n) -> tuple[Any, list[Any]]:
    """Yield in steps: the choice of the step, and what is drawn of it."""
    step = gr.Radio(label=say("charts.step"), elem_id="step")
    plot = gr.Plot(label=say("charts.plot_yield"), visible=False, elem_id="plot-yield")
    missing = notice("missing-yield")
    table = gr.Dataframe(
        label=say("charts.plot_yield"), buttons=[], interactive=False, wrap=True, visible=False,
        max_height=500, elem_id="steps", elem_classes="figures",
    )  # fmt: skip
    return step, [plot, table, missing]


def measures_tab(say: gr.I18n) -> tuple[Any, list[Any], list[list[Any]]]:
    """Three measures: how many parts, which measures, and what is drawn of each."""
    choices, drawn = [], []
    with gr.Row(elem_classes="at-end"):
        how_many = gr.Dropdown(label=say("charts.how_many"), elem_id="how-many")
        gr.Markdown(say("charts.measures_hint"))
    for place, _ in enumerate(FIRST):
        choices.append(gr.Dropdown(label=say("charts.measure"), elem_id=f"measure-{place}"))
        plot = gr.Plot(label=say("charts.measure"), visible=False, elem_id=f"plot-measure-{place}")
        drawn.append([plot, notice(f"measured-{place}")])
    return how_many, choices, drawn


def wire(
    context: Context,
    choice: PartChoice,
    tabs: dict[str, Any],
    made: dict[str, Any],
    on: Callable[..., Any],
) -> None:
    """Draw a tab when it is looked at, and what is looked at anew when the choice changes."""
    do, shown = TimeHandlers(context, choice), gr.State("")
    step, time_drawn = made[TIME]
    how_many, names, drawn = made[MEASURES]
    on(fn=do.open, outputs=[step, how_many, *names])
    changed = [each.change for each in choice.components]
    latest = {"trigger_mode": "always_last", "concurrency_limit": 3}
    for name, tab in tabs.items():
        looked = on(tab.select, partial(str, name), None, shown)
        if name == TIME:
            given = [shown, step, *choice.components]
            looked.then(do.yields, given, time_drawn, show_progress="hidden")
            on([step.input, *changed], do.yields, given, time_drawn, **latest)
        elif name == MEASURES:
            for measure, places in zip(names, drawn, strict=True):
                given = [shown, measure, how_many, *choice.components]
                looked.then(do.points, given, places, show_progress="hidden", concurrency_limit=3)
                on([measure.input, how_many.input, *changed], do.points, given, places, **latest)
