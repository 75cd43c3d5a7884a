"""What the charts page does: read the parts chosen once, and draw every chart of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import gradio as gr

from inspection.control_charts import individuals_chart, p_chart
from inspection.errors import InspectionError
from inspection.labels.labels import Labels, Truth
from inspection.station.recipe_library import RecipeLibrary
from inspection.training.curves import area, precision_recall, roc
from ui.core.colours import colours_of, theme_of
from ui.core.context import Context
from ui.core.panel import done, request_of
from ui.core.part_choice import FIELDS, PartChoice
from ui.core.pen import Pen
from ui.core.score_chart import score_chart
from ui.pages.charts.drawing import control_chart, curve_chart, pareto_chart
from ui.pages.charts.figures import LEAST_IN_HOUR, Figures, figures_of

PLOTS = (
    "defects",
    "reasons",
    "causes",
    "zones",
    "rejects",
    "medians",
    "roc",
    "precision",
    "scores",
)
LEAST_HOURS = 2
NEEDS = {
    "defects": "needs_ng", "reasons": "needs_rejects", "causes": "needs_rejects",
    "zones": "needs_zones",
    "rejects": "needs_hours", "medians": "needs_medians",
    "roc": "needs_both", "precision": "needs_both", "scores": "needs_scores",
}  # fmt: skip
"""What each plot says where there is nothing to draw."""


class Handlers:
    """Each public method answers an event; `draw` fills the plots in the order of PLOTS,
    then what is missing of each, then the words."""

    def __init__(self, context: Context, choice: PartChoice) -> None:
        self.context, self.choice = context, choice
        self.labels = Labels()
        self.library = RecipeLibrary(context.settings, context.folder)

    async def show(self, event: gr.Request) -> list[Any]:
        """What may be chosen."""
        return await self.choice.fill(request_of(event).scope["language"])

    async def draw(
        self,
        span: str,
        since: Any,
        until: Any,
        lot: Any,
        product: Any,
        recipe: Any,
        event: gr.Request,
    ) -> list[Any]:
        """All charts of the parts chosen."""
        request = request_of(event)
        language, colour = request.scope["language"], colours_of(theme_of(request.cookies))
        chosen = dict(zip(FIELDS, (span, since, until, lot, product, recipe), strict=True))

        async def read() -> Figures:
            return await asyncio.to_thread(self._read, chosen)

        figures = await done(read)
        charts = await asyncio.to_thread(
            _Charts, figures, Pen(self._say(language), colour), self._limits(figures)
        )
        plots = {name: charts.of(name) for name in PLOTS}
        return [
            *(gr.update(value=plot, visible=plot is not None) for plot in plots.values()),
            *("" if plot is not None else charts.missing(name) for name, plot in plots.items()),
            charts.sentence(),
        ]

    def _read(self, chosen: dict[str, Any]) -> Figures:
        labels = self.labels.read(self.context.store)
        return figures_of(self.context.store, self.choice.parts(chosen), labels)

    def _limits(self, figures: Figures) -> dict[str, float]:
        try:
            recipe = None if figures.scored is None else self.library.find(figures.scored)
        except InspectionError:
            recipe = None
        if recipe is None:
            return {}
        calibration = recipe.settings.calibration
        return {"PASS": calibration.threshold, "FAIL": calibration.fail_threshold}

    def _say(self, language: str) -> Callable[..., str]:
        words = self.context.words

        def say(name: str, **values: object) -> str:
            return words.say(name if "." in name else f"charts.{name}", language, **values)

        return say


class _Charts:
    """The charts of some figures, in a language; None where there is nothing to draw."""

    def __init__(self, figures: Figures, pen: Pen, limits: dict[str, float]) -> None:
        self.figures, self.pen, self.say, self.limits = figures, pen, pen.say, limits
        self.good, self.bad = figures.scores[Truth.OK], figures.scores[Truth.NG]

    def of(self, name: str) -> Any:
        """One chart, by its name among PLOTS."""
        return getattr(self, f"_{name}")()

    def missing(self, name: str) -> str:
        """Say which chart is not there, and what it needs."""
        needs = self.say(NEEDS[name] if self.figures.parts else "needs_parts", of=LEAST_IN_HOUR)
        return f"{self.say(f'plot_{name}')}\n{needs}"

    def sentence(self) -> str:
        """How many parts, and what the area under the curve is."""
        say, figures = self.say, self.figures
        text = say("told", parts=figures.parts)
        if figures.outside_yield:
            text += " " + say("told_without", parts=figures.outside_yield)
        if len(self.good) and len(self.bad):
            found = area(self.good, self.bad)
            values = {
                "area": f"{found.value:.3f}",
                "low": f"{found.low:.3f}",
                "high": f"{found.high:.3f}",
            }
            text += " " + say("told_area", good=len(self.good), bad=len(self.bad), **values)
        elif figures.parts:
            text += " " + say("told_unlabelled", good=len(self.good), bad=len(self.bad))
        return text

    def _defects(self) -> Any:
        names = {bar.name: bar.name or self.say("report.no_type") for bar in self.figures.defects}
        return self._pareto(self.figures.defects, names)

    def _reasons(self) -> Any:
        names = {
            bar.name: self._known(f"acknowledged.{bar.name}", bar.name)
            if bar.name
            else self.say("report.not_acknowledged")
            for bar in self.figures.reasons
        }
        return self._pareto(self.figures.reasons, names)

    def _causes(self) -> Any:
        names = {
            bar.name: self._known(f"report.cause_{bar.name}", "")
            or self._known(f"causes.{bar.name}", bar.name)
            for bar in self.figures.causes
        }
        return self._pareto(self.figures.causes, names)

    def _zones(self) -> Any:
        names = {bar.name: bar.name or self.say("report.no_zone") for bar in self.figures.zones}
        return self._pareto(self.figures.zones, names)

    def _known(self, key: str, otherwise: str) -> str:
        try:
            return self.say(key)
        except KeyError:
            return otherwise

    def _pareto(self, bars: Any, names: dict[str, str]) -> Any:
        return pareto_chart(bars, names, self.pen) if bars else None

    def _rejects(self) -> Any:
        hours = self.figures.hours
        if len(hours) < LEAST_HOURS:
            return None
        found = p_chart([hour.rejects for hour in hours], [hour.parts for hour in hours])
        begins = [hour.begin.isoformat() for hour in hours]
        return control_chart(begins, found, self.pen, title=self.say("reject_share"), share=True)

    def _medians(self) -> Any:
        hours = [
            (hour.begin, hour.median) for hour in self.figures.hours if hour.median is not None
        ]
        if len(hours) < LEAST_HOURS:
            return None
        found = individuals_chart([median for _, median in hours])
        begins = [begin.isoformat() for begin, _ in hours]
        return control_chart(begins, found, self.pen, title=self.say("median"), share=False)

    def _roc(self) -> Any:
        draw = partial(curve_chart, x=self.say("rejected"), y=self.say("found"))
        return self._curve(roc, draw)

    def _precision(self) -> Any:
        draw = partial(curve_chart, x=self.say("found"), y=self.say("precise"))
        return self._curve(precision_recall, draw)

    def _curve(self, curve: Callable[..., Any], draw: Callable[..., Any]) -> Any:
        if not len(self.good) or not len(self.bad):
            return None
        return draw(curve(self.good, self.bad), self.pen)

    def _scores(self) -> Any:
        if not sum(len(values) for values in self.figures.scores.values()):
            return None
        limits = {self.say(f"charts.limit_{name}"): value for name, value in self.limits.items()}
        return score_chart(self.figures.scores, limits, self.pen)
