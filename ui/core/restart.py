"""A panel's line that the station file was changed, and the button that starts the station anew."""

from __future__ import annotations

import os
import threading
from functools import partial
from typing import Any

import gradio as gr

from inspection.station.station_file import read_station
from ui.core.context import Context
from ui.core.panel import done, request_of

ENDED = 75
RELOAD = """() => { let gone = false; setInterval(async () => {
  const up = await fetch("/session.js").then((answer) => answer.ok, () => false);
  if (gone && up) location.reload();
  gone ||= !up;
}, 500); }"""
"""Opens the page anew once it is served again."""


def restart_controls(context: Context, say: gr.I18n) -> list[Any]:
    """The line and the button, hidden until the file differs from what the station was started with."""
    pending = gr.Markdown(visible=False, elem_id="pending")
    restart = gr.Button(
        say("products.restart"), variant="primary", visible=False, elem_id="restart"
    )

    async def restarted(event: gr.Request) -> None:
        who = request_of(event).scope["user"].name
        await done(partial(context.runtime.do, "restart", who=who))
        threading.Timer(1.0, os._exit, [ENDED]).start()

    gr.on(restart.click, restarted, js=RELOAD, show_progress="hidden")
    return [pending, restart]


def restart_due(context: Context, language: str) -> list[Any]:
    """What the two show now."""
    changed = read_station(context.station_path) != context.settings
    text = context.words.say("products.pending", language)
    return [gr.update(value=text, visible=changed), gr.update(visible=changed)]
