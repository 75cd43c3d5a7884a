"""The page /engineer/analysis: what another limit would do, and the limit put on the line; of Gradio's components."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import gradio as gr
from fastapi import APIRouter, Request, Response

from ui.core.context import Context
from ui.core.errors import Refuse
from ui.core.page import Page
from ui.core.panel import notice
from ui.core.part_choice import PartChoice
from ui.core.script import script
from ui.core.wording import Wording
from ui.pages.analysis.handlers import BOXES, QUESTION, SHOWN, Handlers, opened
from ui.pages.analysis.requests import CostsGiven, Shown
from ui.pages.analysis.service import AnalysisService
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
CARDS = """
<div class="analysis cards" data-shown="{{value.shown}}">{{#each value.parts}}
  <a class="card" data-number="{{this.number}}" href="/engineer/parts#part={{this.number}}" target="_blank">
    <span class="thumb">{{#if this.picture}}<img src="/api/engineer/analysis/thumb/{{this.part_id}}" alt="{{this.name}}"
      loading="lazy" decoding="async">{{else}}<span class="no-picture">{{this.none}}</span>{{/if}}</span>
    <span class="card-line"><span class="sign {{this.verdict}}">{{this.sign}}</span>#{{this.number}}</span>
    <span class="card-score">{{this.score}}</span>
  </a>{{/each}}</div>
"""
AT = "(...given) => [...given.slice(0, -1), Number(document.querySelector('.threshold').dataset.threshold)]"
"""Where the slider stands, in place of the last value given."""


def routes(context: Context) -> APIRouter:
    """Answer what the slider asks, and show small pictures."""
    router = APIRouter(prefix="/api/engineer/analysis")
    work, thumbs = AnalysisService(context), Thumbs(context.store)

    @router.post("/stored")
    async def stored(asked: Shown, request: Request) -> dict[str, Any]:
        """List the latest parts of a recipe as arrays, to be judged again in the browser."""
        wording = Wording(context.words, request.scope["language"], request.cookies.get("zone"))
        if asked.recipe is None:
            raise Refuse(wording.say("analysis.no_recipe_chosen"))
        return await work.do(work.stored, asked, wording)

    @router.get("/thumb/{part_id}")
    async def thumb(part_id: str, request: Request) -> Response:
        """Show a small picture of a part."""
        data = await asyncio.to_thread(thumbs.of, part_id)
        if data is None:
            text = context.words.say("parts.no_picture", request.scope["language"])
            raise Refuse(text, status=404)
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": FOREVER})

    return router


def panel(context: Context, say: gr.I18n) -> None:
    """The choice of parts on top; below, the slider with what can be done with its limit, and the figures."""
    with gr.Row(elem_classes="at-end"):
        choice = PartChoice(context, say, span="all")
        latest = gr.Dropdown(label=say("analysis.how_many"), elem_id="latest")
        again = gr.Button(say("analysis.again"), min_width=80, scale=0, elem_id="again")
    only = notice("only", elem_classes="warn")
    it: dict[str, Any] = {}
    with gr.Row(elem_id="limit"):
        with gr.Column(scale=3, min_width=500):
            it["slider"] = script("analysis", "threshold")
            _buttons(it, say)
            _boxes(it, say)
            with gr.Row():
                title = notice("flips-title")
                which = gr.Radio(
                    label=say("analysis.which_list"), show_label=False, container=False,
                    elem_id="which-list",
                )  # fmt: skip
            cards = gr.HTML(value={}, html_template=CARDS, apply_default_css=False)
        with gr.Column(scale=1, min_width=330):
            gr.HTML(
                html_template='<aside class="analysis limits"></aside>', apply_default_css=False
            )
    _wire(it, Handlers(context, choice), choice, latest, again, only, which, [title, cards])


def _buttons(it: dict[str, Any], say: gr.I18n) -> None:
    with gr.Row():
        for name in ("propose", "apply", "zones"):
            it[name] = _button(say, name)
        it["line"] = notice("line-now")
        it["back"] = _button(say, "back")
    it["told"] = notice("told")


def _button(say: gr.I18n, name: str) -> gr.Button:
    return gr.Button(
        say(f"analysis.{name}"), size="md", visible=False, min_width=60, elem_id=name,
        variant="primary" if name == "apply" else "secondary",
    )  # fmt: skip


def _boxes(it: dict[str, Any], say: gr.I18n) -> None:
    """What is asked for before a limit is proposed, or goes on the line."""
    with gr.Group(visible=False, elem_id="proposal") as it["proposal"]:
        gr.Markdown(say("analysis.propose_text"), elem_classes="boxed")
        with gr.Row():
            for name in CostsGiven.model_fields:
                it[name] = gr.Number(label=say(f"analysis.cost_{name}"), elem_id=f"cost-{name}")
        it["proposed"] = _yes_or_no(it, say, "analysis.propose_yes", "proposal")
    with gr.Group(visible=False, elem_id="zoning") as it["zoning"]:
        gr.Markdown(say("analysis.zones_text"), elem_classes="boxed")
        it["table"] = gr.Dataframe(
            label=say("analysis.zones_title"), type="array", interactive=True, static_columns=[0],
            buttons=[], elem_id="zone-limits",
        )  # fmt: skip
        it["tried"] = _yes_or_no(it, say, "analysis.zones_show", "zoning")
    with gr.Group(visible=False, elem_id="asking") as it["asking"]:
        it["question"] = notice("question", elem_classes="headline")
        it["what"], it["figures"] = notice("what"), notice("figures")
        it["yes"] = _yes_or_no(it, say, "analysis.apply_yes", "asking")
    it["asked"], it["deed"], it["by_costs"] = gr.State(None), gr.State(None), gr.State(None)
    it["at"], it["listed"] = gr.Number(visible=False), gr.State(None)


def _yes_or_no(it: dict[str, Any], say: gr.I18n, yes: str, box: str) -> gr.Button:
    with gr.Row():
        it[f"no_{box}"] = gr.Button(say("admin.cancel"), elem_id=f"no-{box}")
        return gr.Button(say(yes), variant="primary", elem_id=f"yes-{box}")


def _wire(
    it: dict[str, Any], do: Handlers, choice: PartChoice, latest: gr.Dropdown, again: gr.Button,
    only: gr.HTML, which: gr.Radio, cards: list[Any],
) -> None:  # fmt: skip
    """What the components do."""
    on = partial(gr.on, show_progress="hidden")
    given, shown = [latest, *choice.components], [it[name] for name in SHOWN]
    boxes, question = [it[name] for name in BOXES], [it[name] for name in QUESTION]
    show: dict[str, Any] = {
        "fn": do.show, "inputs": given, "outputs": [only, it["asked"], *shown],
    }  # fmt: skip
    offered = [choice.span, choice.lot, choice.product, choice.recipe, latest, which]
    on(fn=do.open, outputs=offered).then(**show, show_progress="hidden")
    typed = [each.input for each in (choice.span, choice.lot, choice.recipe, latest)]
    on([*typed, choice.since.change, choice.until.change, again.click], **show)
    narrowed = on(choice.product.input, do.narrow, [choice.product, choice.recipe], choice.recipe)
    narrowed.then(**show, show_progress="hidden")
    on(
        it["slider"].select, do.rest, which, [it["listed"], *cards],
        trigger_mode="always_last",
    )  # fmt: skip
    on(which.input, do.again, [it["listed"], which], [it["listed"], *cards])
    for button, box in (("propose", "proposal"), ("zones", "zoning")):
        on(it[button].click, partial(opened, box), None, boxes)
    for box in BOXES:
        on(it[f"no_{box}"].click, partial(opened, None), None, boxes)
    costs = [it[name] for name in CostsGiven.model_fields]
    told = [it["told"], it["slider"], it["by_costs"]]
    on(it["proposed"].click, do.propose, [it["asked"], *costs], [*told, *boxes])
    on(it["apply"].click, do.ask_limit, [it["asked"], it["by_costs"], it["at"]], question, js=AT)
    on(it["tried"].click, do.ask_zones, [it["asked"], it["table"]], question)
    on(it["yes"].click, do.busy, None, it["yes"]).then(
        do.agreed, [it["asked"], it["deed"]], [it["yes"], it["told"], *shown],
        show_progress="hidden",
    )  # fmt: skip
    on(it["back"].click, do.busy, None, it["back"]).then(
        do.back, it["asked"], [it["told"], *shown], show_progress="hidden"
    )
