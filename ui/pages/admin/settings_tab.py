"""The station file on the administrator's page, to be read only."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import gradio as gr

from ui.core.context import Context
from ui.core.panel import asker, notice, table_value
from ui.pages.admin.settings import station_settings
from ui.security.users import Role


class SettingsHandlers:
    """Answers the event of the tab; only administrators are answered."""

    def __init__(self, context: Context) -> None:
        self.context = context

    async def show(self, event: gr.Request) -> list[Any]:
        """Path and text of the file, what is to be known of it, and every value."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        found = await asyncio.to_thread(station_settings, self.context)
        lines = [found["path"], me.say("admin.settings_read_only")]
        if found["error"]:
            lines.append("▲ " + me.say("admin.settings_error", error=found["error"]))
        elif found["changed"]:
            lines.append("▲ " + me.say("admin.settings_changed"))
        heads = [me.say("admin.setting"), me.say("admin.value")]
        return ["\n".join(lines), found["text"], table_value(heads, found["values"])]


def settings_tab(context: Context, say: gr.I18n, tab: gr.Tab) -> None:
    """The file as it is, and as the station reads it; read again each time the tab is opened."""
    do = SettingsHandlers(context)
    with gr.Row():
        with gr.Column():
            told = notice("settings-told")
            text = gr.Code(
                label=say("admin.settings_file"), language=None, interactive=False, max_lines=40,
                elem_id="station-file",
            )  # fmt: skip
        values = gr.Dataframe(
            column_widths=["45%", "55%"],
            label=say("admin.settings_values"), interactive=False, wrap=True, max_height=900,
            buttons=[], elem_id="values",
        )  # fmt: skip
    shown = [told, text, values]
    on = partial(gr.on, show_progress="hidden")
    on(fn=do.show, outputs=shown)
    on(tab.select, do.show, None, shown)
