"""The second step: the picture to draw on, and where to look; drawing is a script's."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import gradio as gr

from ui.core.errors import checked
from ui.core.panel import notice
from ui.core.script import script
from ui.pages.setup import good_parts
from ui.pages.setup.asked import Asked
from ui.pages.setup.desk import Desk, Step
from ui.pages.setup.requests import FromRecord, Taking


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
        self.drawing = script("setup", "where")
        desk.paused_only.append(self.take)
        self.shown = [self.problem, self.choose, self.drawing]

    def missing(self, asked: Asked) -> str | None:
        """There must be a picture, and a file that can be read."""
        if asked.setup[1]:
            return asked.me.say("setup.where_damaged")
        return None if asked.names else asked.me.say("setup.where_no_picture")

    def values(self, asked: Asked) -> list[Any]:
        """What the script draws on."""
        setup, problem = asked.setup
        reference = asked.names[0] if asked.names else None
        drawn = {
            "product": asked.draft.product,
            "view": asked.draft.view,
            "reference": reference,
            "setup": None if setup is None else asdict(setup),
        }
        return [problem or "", gr.update(visible=reference is None), drawn]

    def wire(self) -> None:
        """The first picture: taken, or of the record."""
        self.desk.act(self, self.take.click, self._take)
        self.desk.act(self, self.latest.click, self._latest)

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
