"""The backup on the administrator's page."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import gradio as gr

from ui.core.context import Context
from ui.core.panel import Asker, asker, done, file_button, notice
from ui.pages.admin.audit_tab import job_trouble, running_for
from ui.pages.admin.backups import backup_status, make_backup
from ui.security.users import Role

FILE = "/api/admin/backup/file"
HOW = "inspection restore FILE FOLDER"
NIGHTLY = "inspection backup STATION.toml FOLDER"


class BackupHandlers:
    """Each public method answers an event; only administrators are answered."""

    def __init__(self, context: Context) -> None:
        self.context = context

    async def make(self, event: gr.Request) -> list[Any]:
        """Begin a backup."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        await done(partial(make_backup, self.context, me.request))
        return await self.show(event)

    async def show(self, event: gr.Request) -> list[Any]:
        """How far the newest one is; the buttons fit, and whether to look again."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        found = await asyncio.to_thread(backup_status, self.context.jobs)
        there = not found["running"] and not found["error"] and found["found"] is not None
        return [
            _told(found, me),
            gr.update(interactive=not found["running"]),
            gr.update(visible=there),
            gr.Timer(active=bool(found["running"])),
        ]


def _told(found: dict[str, Any], me: Asker) -> str:
    if found["running"]:
        span, number = running_for(found, me), me.wording.number
        if not found["of"]:
            return me.say("admin.backing_up", duration=span)
        done_, of = number(found["done"]), number(found["of"])
        return me.say("admin.backing_up_of", done=done_, of=of, duration=span)
    if (trouble := job_trouble(found, me)) is not None:
        return f"▲ {trouble}"
    if (made := found["found"]) is None:
        return ""
    size = f"{made['bytes'] / 1e6:.1f}"
    lines = [
        f"✓ {me.say('admin.backed_up', count=me.wording.number(made['parts']), size=size)} "
        f"{me.wording.moment(made['made_at'])}",
        str(made["file"]),
    ]
    if made["missing"]:
        lines.append(
            "▲ " + me.say("admin.backup_missing", count=me.wording.number(made["missing"]))
        )
    return "\n".join(lines)


def backup_tab(context: Context, say: gr.I18n) -> None:
    """Make a copy of the whole station, and take it away."""
    do = BackupHandlers(context)
    on = partial(gr.on, show_progress="hidden")
    again = gr.Timer(1, active=False)
    with gr.Column(elem_classes="prose"):
        gr.Markdown(say("admin.backup_title"), elem_id="backup-title", elem_classes="title")
        gr.Markdown(say("admin.backup_what"))
        gr.Markdown(say("admin.backup_secret"))
        with gr.Row():
            make = gr.Button(say("admin.back_up"), variant="primary", elem_id="back-up")
            fetch = file_button(
                say("admin.backup_fetch"), link=FILE, visible=False, elem_id="fetch"
            )
        made = notice("made")
        gr.Markdown(say("admin.restore_title"), elem_classes="title")
        gr.Markdown(say("admin.restore_how"))
        gr.Code(HOW, language=None, interactive=False, show_label=False, lines=1, buttons=["copy"])
        gr.Markdown(say("admin.backup_nightly"))
        gr.Code(NIGHTLY, language=None, interactive=False, show_label=False, lines=1, buttons=["copy"])  # fmt: skip
    shown = [made, make, fetch, again]
    on(fn=do.show, outputs=shown)
    on(again.tick, do.show, None, shown)
    on(make.click, do.make, None, shown)
