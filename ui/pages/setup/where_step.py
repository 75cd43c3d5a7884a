"""The second step: the picture to draw on, and where to look; drawing is a script's."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import gradio as gr

from inspection.recipe.setup_file import Alignment, Setup
from ui.core.errors import checked
from ui.core.panel import asker, notice
from ui.core.script import script
from ui.pages.setup import good_parts, where
from ui.pages.setup.asked import Asked
from ui.pages.setup.desk import Desk, Step, on
from ui.pages.setup.requests import FromRecord, Taking
from ui.security.users import Role


class WhereStep(Step):
    """A picture is chosen first: it becomes the first good part."""

    name = "where"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        say = desk.say
        self.problem, self.told = notice("where-problem", elem_classes="red"), notice("where-told")
        with gr.Column(visible=False, elem_id="choose") as self.choose:
            gr.Markdown(say("setup.where_choose"), elem_classes="title")
            gr.Markdown(say("setup.where_choose_why"))
            with gr.Row():
                self.take = gr.Button(
                    say("setup.where_take"), variant="primary", elem_id="take-reference"
                )
                self.latest = gr.Button(say("setup.where_latest"), elem_id="latest-reference")
                self.leads["good"] = gr.Button(say("setup.where_from_good"), elem_id="from-good")
        with gr.Row(elem_id="looking"):
            with gr.Column(scale=3, min_width=500):
                self.drawing = script("setup", "where")
            with gr.Column(scale=1, min_width=330, elem_id="beside"):
                self._beside(say)
        self._turns = itertools.count(1)
        desk.paused_only.append(self.take)
        self.shown = [
            self.problem, self.choose, self.drawing, self.measured, *self.settings,
        ]  # fmt: skip

    def _beside(self, say: gr.I18n) -> None:
        """The list of shapes, which is the script's; scale and alignment, which are typed and not drawn."""
        gr.HTML(html_template='<div class="setup places"></div>', apply_default_css=False)
        with gr.Row(visible=False, elem_classes="at-end") as self.measured:
            self.length = gr.Number(min_width=140, elem_id="length")
            self.set_scale = gr.Button(say("setup.scale_set"), min_width=80, elem_id="set-scale")
        self.scale = gr.Textbox(
            label=say("setup.scale_value"), placeholder="mm/px", max_length=20, elem_id="scale"
        )
        self.align = gr.Checkbox(label=say("setup.align_on"), elem_id="align")
        with gr.Row():
            self.shift, self.turn = (
                gr.Number(label=say(f"setup.{name}"), min_width=120, elem_id=name.replace("_", "-"))
                for name in ("align_shift", "align_turn")
            )
        self.px = gr.State(0.0)
        self.settings: list[Any] = [self.scale, self.align, self.shift, self.turn]

    def missing(self, asked: Asked) -> str | None:
        """There must be a picture, and a file that can be read."""
        if asked.setup[1]:
            return asked.me.say("setup.where_damaged")
        return None if asked.names else asked.me.say("setup.where_no_picture")

    def values(self, asked: Asked) -> list[Any]:
        """What the script draws on."""
        setup, problem = asked.setup
        drawn = self._drawn(asked)
        reference = drawn["reference"]
        return [
            problem or "",
            gr.update(visible=reference is None),
            drawn,
            gr.update(visible=False),
            *self._settings(setup),
        ]

    def _drawn(self, asked: Asked) -> dict[str, Any]:
        setup = asked.setup[0]
        return {
            "product": asked.draft.product,
            "view": asked.draft.view,
            "reference": asked.names[0] if asked.names else None,
            "shapes": where.shapes_of(setup),
            "size": setup and setup.reference_size_px,
        }

    def _settings(self, setup: Setup | None) -> list[Any]:
        align = None if setup is None else setup.align
        scale = None if setup is None else setup.scale_mm_per_px
        far = align or Alignment()
        return [
            "" if scale is None else f"{scale:g}",
            align is not None,
            gr.update(value=far.max_shift_px, visible=align is not None),
            gr.update(value=far.max_rotation_deg, visible=align is not None),
        ]

    def wire(self) -> None:
        """The first picture: taken, or of the record."""
        self.desk.act(self, self.take.click, self._take)
        self.desk.act(self, self.latest.click, self._latest)
        typed = (self.scale, self.shift, self.turn)
        made = [event for each in typed for event in (each.blur, each.submit)]
        shown = [self.drawing, self.measured, *self.settings]
        self.desk.note([*made, self.align.input], self._choose, self.settings, shown)
        self.desk.note(self.set_scale.click, self._scale, [self.px, self.length], shown)
        on(self.drawing.select, self._measure, None, [self.px, self.measured, self.length])

    async def _choose(
        self, asked: Asked, scale: str, align: bool, shift: float, turn: float
    ) -> list[Any]:
        given = {
            "scale_mm_per_px": _number(scale),
            "align": {"max_shift_px": shift, "max_rotation_deg": turn} if align else None,
        }
        return await self._keep(asked, given, select=False)

    async def _scale(self, asked: Asked, px: float, length: float | None) -> list[Any]:
        """A length that is known, over how many pixels it has."""
        if not px or not length or length <= 0:
            return [gr.skip()] * (2 + len(self.settings))
        given = {"scale_mm_per_px": float(f"{length / px:.6g}")}
        return await self._keep(asked, given, select=True)

    async def _keep(self, asked: Asked, given: Mapping[str, Any], *, select: bool) -> list[Any]:
        """Keep it, and have the script keep its shapes again: they may need the scale."""
        setup, is_new = await where.keep(self.desk.context, asked.me.request, asked.draft, given)
        drawn = {
            **self._drawn(asked), "again": next(self._turns), "select": select,
        }  # fmt: skip
        return [
            drawn if is_new or select else gr.skip(),
            gr.update(visible=False) if select else gr.skip(),
            *self._settings(setup),
        ]

    async def _measure(self, event: gr.Request, data: gr.EventData) -> list[Any]:
        """Ask how long is what was clicked."""
        me = asker(self.desk.context, event, Role.ENGINEER)
        px = float(data._data["px"])
        label = f"{me.say('setup.scale_length', px=f'{px:.1f}')} (mm)"
        return [px, gr.update(visible=True), gr.update(label=label, value=None)]

    async def _take(self, asked: Asked) -> None:
        wanted = checked(Taking, reference=True)
        async for _ in good_parts.take(self.desk.context, asked.me.request, asked.draft, wanted):
            pass

    async def _latest(self, asked: Asked) -> str | None:
        which = {"product": asked.draft.product, "view": asked.draft.view}
        wanted = checked(FromRecord, **which, count=1, reference=True)
        found = await good_parts.from_record(
            self.desk.context, asked.me.request, asked.draft, wanted
        )
        if found.names:
            return None
        return found.refused[0] if found.refused else asked.me.say("setup.where_none_passed")


def _number(text: str) -> Any:
    """The number a text says, None for nothing; another text is refused where it is checked."""
    try:
        return float(text) if text.strip() else None
    except ValueError:
        return text
