"""The line of choices above the pictures: which parts are gone through, of Gradio's components."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import gradio as gr

from inspection.judgement import Verdict
from inspection.labels.review_queue import State
from ui.core import part_choice
from ui.core.context import Context
from ui.core.gradio_page import gradio_page
from ui.core.panel import asker, done
from ui.core.part_choice import PartChoice
from ui.pages.review.service import Review
from ui.security.users import Role

FIELDS = ("state", *part_choice.FIELDS, "verdict", "zone")
FIRST: dict[str, Any] = {**dict.fromkeys(FIELDS), "state": State.TODO.value, "span": "all"}
"""What is chosen when the page is opened."""
VERDICTS = (Verdict.REVIEW, Verdict.CANNOT_INSPECT, Verdict.FAIL, Verdict.PASS)


class Choice:
    """The components and what they do; the page's script gets what was chosen as its value."""

    def __init__(self, context: Context, review: Review, say: gr.I18n) -> None:
        self.context, self.review = context, review
        with gr.Column(elem_classes="review-page"):
            with gr.Row(elem_classes="review-choice"):
                self.state = gr.Dropdown(label=say("review.filter_state"), elem_id="state")
                self.parts = PartChoice(context, say, span=FIRST["span"])
                self.verdict, self.zone = (
                    gr.Dropdown(label=say(f"review.filter_{name}"), elem_id=name)
                    for name in ("verdict", "zone")
                )
            page = gradio_page("review", value=FIRST)
        chosen = [self.state, *self.parts.components, self.verdict, self.zone]
        on = partial(gr.on, show_progress="hidden")
        on(fn=self.open, outputs=[self.state, *self.parts.filled, self.verdict, self.zone])
        on([each.change for each in chosen], self.wanted, chosen, page, trigger_mode="always_last")

    async def open(self, event: gr.Request) -> list[Any]:
        """What may be chosen, in a person's language."""
        me = asker(self.context, event, Role.ENGINEER)
        zones = await asyncio.to_thread(self.review.zones)
        every = (me.say("review.any"), "")
        states = [(me.say(f"review.state_{each}"), each.value) for each in State]
        verdicts = [(me.say(f"operator.verdict_{each}"), each.value) for each in VERDICTS]
        span, lot, *others = await self.parts.fill(me.language)
        return [
            gr.update(choices=states, value=FIRST["state"]),
            span,
            lot,
            *(gr.update(choices=[every, *each["choices"]], value="") for each in others),
            gr.update(choices=[every, *verdicts], value=""),
            gr.update(choices=[every, *zones], value=""),
        ]

    async def wanted(self, event: gr.Request, *values: Any) -> dict[str, Any]:
        """What was chosen, as the script sends it with every question."""
        asker(self.context, event, Role.ENGINEER)
        chosen = {name: value or FIRST[name] for name, value in zip(FIELDS, values, strict=True)}

        async def read() -> dict[str, Any]:
            parts = self.parts.parts(chosen)
            times = {"since": parts.since, "until": parts.until}
            own = chosen["span"] == part_choice.SPANS[-1]
            return {name: at.isoformat() if own and at else None for name, at in times.items()}

        return {**chosen, **await done(read)}
