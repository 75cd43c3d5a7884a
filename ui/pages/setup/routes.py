"""The page /engineer/setup: camera, where to look, good parts, training, result, on the line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import gradio as gr
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse

from inspection.errors import SetupError
from ui.core import trials
from ui.core.context import Context
from ui.core.page import Page
from ui.core.panel import asker
from ui.core.wording import Wording
from ui.pages.setup import where as where_to_look
from ui.pages.setup.camera_figures import camera_figures
from ui.pages.setup.camera_preview import CameraPreviews, NoPartYet
from ui.pages.setup.camera_step import CameraStep
from ui.pages.setup.desk import Desk, Step, on
from ui.pages.setup.draft import SetupDraft
from ui.pages.setup.good_step import GoodStep
from ui.pages.setup.line_step import LineStep
from ui.pages.setup.requests import SetupChange, draft_of, shown
from ui.pages.setup.result_step import ResultStep
from ui.pages.setup.train_step import TrainStep
from ui.pages.setup.where_step import WhereStep
from ui.security.users import Role

PAGE = Page(
    name="setup",
    path="/engineer/setup",
    role=Role.ENGINEER,
    label="setup.page",
    order=30,
)
STEPS: tuple[type[Step], ...] = (
    CameraStep, WhereStep, GoodStep, TrainStep, ResultStep, LineStep,
)  # fmt: skip
ADDRESS = """() => JSON.stringify({place: window.inspection.hash,
  ...Object.fromEntries(new URLSearchParams(location.search))})"""
"""The address tells which product, view and step are shown first (?product=nut#good)."""
LONGEST = 1000


def routes(context: Context) -> APIRouter:
    """Answer what the page's own scripts ask: the live picture, and drawing where to look."""
    router = APIRouter(prefix="/api/engineer/setup")
    previews = CameraPreviews(context.runtime)

    @router.get("/look")
    async def look(
        request: Request, product: str, view: str, *, best: float = 0.0, newest: bool = False
    ) -> Response:
        """What the camera sees now, and its figures as HTML; the station must be paused. `newest`: the newest part."""
        draft = draft_of(context, product, view)
        setup = await asyncio.to_thread(draft.readable_setup)
        try:
            data, figures = await previews.now(view, setup, newest=newest)
        except NoPartYet:
            return Response(status_code=204)
        if not newest:
            await asyncio.to_thread(draft.looked)
        wording = Wording(context.words, request.scope["language"])
        html = quote(camera_figures(figures, best, wording))
        headers = {"Cache-Control": "no-store", "X-Figures": html}
        return Response(data, media_type="image/jpeg", headers=headers)

    @router.get("/good/{name}")
    async def picture(name: str, product: str, view: str) -> Response:
        """A good part as a browser can show it."""
        of = draft_of(context, product, view)
        return await asyncio.to_thread(lambda: shown(of.path(name), bits=of.setup().bits))

    @router.post("/where")
    async def where(wanted: SetupChange, request: Request) -> Any:
        """Keep where to look, if it can be; else say why not, and of which shape."""
        draft = draft_of(context, wanted.product, wanted.view)
        try:
            setup, _ = await where_to_look.keep(context, request, draft, wanted.setup)
        except SetupError as error:
            text = " ".join(str(error).split())
            kind, at = where_to_look.at_fault(text, wanted.setup)
            return JSONResponse({"ok": False, "error": text, "kind": kind, "at": at}, 409)
        return {"ok": True, "setup": setup}

    @router.get("/recipe/{job_id}")
    async def recipe(job_id: str) -> Response:
        """The recipe file of a training, to be kept elsewhere."""
        job = await asyncio.to_thread(trials.trained, context.jobs, job_id)
        draft = SetupDraft(context.folder, job.about["product"], job.about["view"])
        name = f"{draft.folder.name}.recipe"
        return FileResponse(job.recipe, filename=name, media_type="application/octet-stream")

    return router


def panel(context: Context, say: gr.I18n) -> None:
    """Product, view and the station's state on top; a tab for each step."""
    desk, address = Desk(context, say), gr.Textbox(visible=False)
    with gr.Tabs(elem_id="steps") as tabs:
        for kind in STEPS:
            name = kind.name
            with gr.Tab(say(f"setup.{name}"), id=name, elem_id=f"tab-{name}") as desk.tabs[name]:
                desk.steps[name] = kind(desk)
    desk.wire()

    def begin(address: str, event: gr.Request) -> list[Any]:
        asker(context, event, Role.ENGINEER)
        wanted = _wanted(address)
        products = [each.name for each in context.settings.products if not each.archived]
        views = [each.name for each in context.settings.views]
        product = wanted.get("product")
        view = wanted.get("view")
        place = wanted.get("place")
        place = place if place in desk.steps else next(iter(desk.steps))
        return [
            gr.update(
                choices=products,
                value=product if product in products else context.settings.first_product,
            ),
            gr.update(choices=views, value=view if view in views else views[0]),
            gr.Tabs(selected=place),
            place,
        ]

    def to(place: str) -> Callable[[], str]:
        return lambda: place

    def to_tab(place: str) -> Callable[[], Any]:
        return lambda: gr.Tabs(selected=place)

    shown_again = [*desk.station, *desk.all_shown, *desk.marks]
    look = [*desk.which, desk.place]
    begun = on(fn=begin, inputs=address, outputs=[*desk.which, tabs, desk.place], js=ADDRESS)
    begun.then(desk.look, look, shown_again, show_progress="hidden")
    for name, tab in desk.tabs.items():
        remember = f"() => history.replaceState(null, '', `${{location.search}}#{name}`)"
        chosen = on(tab.select, to(name), None, desk.place, js=remember)
        chosen.then(desk.look, look, shown_again, show_progress="hidden")
    for step in desk.steps.values():
        for place, button in step.leads.items():
            on(button.click, to_tab(place), None, tabs)


def _wanted(address: str) -> dict[str, str]:
    """What the address asks for; nothing of one that is no address of this page."""
    try:
        found = json.loads(address[:LONGEST])
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
