"""The administrator's page: users, the audit record, the station's health, its settings."""

from __future__ import annotations

import gradio as gr
from fastapi import APIRouter

from ui import admin_audit, admin_health, admin_settings, admin_users
from ui.context import Context
from ui.pages.own import screen

PATH = "/admin"


def blocks_part(context: Context, i18n: gr.I18n) -> None:
    """Show the page."""
    screen("admin")


def routes(context: Context) -> APIRouter:
    """Answer what the page asks."""
    router = APIRouter(prefix="/api/admin")
    for part in (admin_users, admin_audit, admin_health, admin_settings):
        router.include_router(part.routes(context))
    return router
