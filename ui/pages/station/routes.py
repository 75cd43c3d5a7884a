"""The page /engineer/station: cameras, outputs, triggers, notifications of the station file; of Gradio's components."""

from __future__ import annotations

from functools import partial

import gradio as gr
from fastapi import APIRouter

from ui.core.context import Context
from ui.core.page import Page
from ui.core.panel import request_of
from ui.core.restart import restart_controls, restart_due
from ui.pages.station.cameras import cameras_tab
from ui.pages.station.links import links_tab
from ui.pages.station.notify import notify_tab
from ui.security.users import Role

PAGE = Page(
    name="station", path="/engineer/station", role=Role.ENGINEER, label="station.page", order=27
)


def routes(context: Context) -> APIRouter:
    """It has none of its own."""
    return APIRouter()


def panel(context: Context, say: gr.I18n) -> None:
    """A tab each of cameras, outputs, triggers and notifications; the line of the restart above."""
    shown = restart_controls(context, say)
    with gr.Tab(say("station.cameras"), elem_id="tab-cameras"):
        cameras_tab(context, say, shown)
    with gr.Tab(say("station.outputs"), elem_id="tab-outputs"):
        links_tab(context, say, "outputs", shown)
    with gr.Tab(say("station.triggers"), elem_id="tab-triggers"):
        links_tab(context, say, "triggers", shown)
    with gr.Tab(say("station.notify"), elem_id="tab-notify"):
        notify_tab(context, say, shown)

    def due(event: gr.Request) -> list[object]:
        return restart_due(context, request_of(event).scope["language"])

    partial(gr.on, show_progress="hidden")(fn=due, outputs=shown)
