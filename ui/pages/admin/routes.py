"""The administrator's page: users, the audit record, the station's health, backups, its settings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import gradio as gr
from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from ui.core.context import Context
from ui.core.page import Page
from ui.core.panel import asker
from ui.pages.admin import audit_log, backups
from ui.pages.admin.audit_tab import audit_tab
from ui.pages.admin.backup_tab import backup_tab
from ui.pages.admin.health import MachineFacts
from ui.pages.admin.health_tab import HEALTH, health_tab
from ui.pages.admin.settings_tab import settings_tab
from ui.pages.admin.users_tab import users_tab
from ui.security.users import Role

PAGE = Page(
    name="admin",
    path="/admin",
    role=Role.ADMINISTRATOR,
    label="admin.page",
    order=50,
)
TABS = ("users", "audit", "health", "backup", "settings")
ADDRESS = "() => window.inspection.hash"
"""The address tells which tab is shown first (#health)."""


def routes(context: Context) -> APIRouter:
    """Give out what is taken away as a file."""
    router = APIRouter(prefix="/api/admin")
    router.include_router(audit_log.routes(context))
    router.include_router(backups.routes(context))
    facts = MachineFacts(context)

    @router.get(HEALTH.removeprefix("/api/admin"))
    async def health() -> Response:
        """The station's last status and what the page knows: processes, record, connections."""
        found = await asyncio.to_thread(facts.now)
        return JSONResponse(
            found, headers={"Content-Disposition": 'attachment; filename="station-health.json"'}
        )

    return router


def panel(context: Context, say: gr.I18n) -> None:
    """Five tabs; the figures of health are asked for while they are looked at."""
    asked, on = gr.Textbox(visible=False), partial(gr.on, show_progress="hidden")
    with gr.Tabs(elem_id="tabs") as tabs:
        made: dict[str, gr.Tab] = {}
        for name in TABS:
            with gr.Tab(say(f"admin.tab_{name}"), id=name, elem_id=f"tab-{name}") as made[name]:
                if name == "users":
                    users_tab(context, say)
                elif name == "audit":
                    audit_tab(context, say)
                elif name == "health":
                    tick = health_tab(context, say, MachineFacts(context))
                elif name == "backup":
                    backup_tab(context, say)
                else:
                    settings_tab(context, say, made[name])

    def begin(wanted: str, event: gr.Request) -> list[Any]:
        asker(context, event, Role.ADMINISTRATOR)
        name = wanted if wanted in TABS else TABS[0]
        return [gr.Tabs(selected=name), gr.Timer(active=name == "health")]

    def opened(name: str) -> Callable[[gr.Request], Any]:
        def answer(event: gr.Request) -> Any:
            asker(context, event, Role.ADMINISTRATOR)
            return gr.Timer(active=name == "health")

        return answer

    on(fn=begin, inputs=asked, outputs=[tabs, tick], js=ADDRESS)
    for name, tab in made.items():
        on(
            tab.select,
            opened(name),
            None,
            tick,
            js=f"() => history.replaceState(null, '', '#{name}')",
        )
