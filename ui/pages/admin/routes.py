"""The administrator's page: users, the audit record, the station's health, backups, its settings."""

from __future__ import annotations

from fastapi import APIRouter

from ui.core.context import Context
from ui.core.page import Page
from ui.pages.admin import audit_log, backups, health, sessions, settings, users
from ui.security.users import Role

PAGE = Page(
    name="admin",
    path="/admin",
    role=Role.ADMINISTRATOR,
    label="admin.page",
    order=50,
)


def routes(context: Context) -> APIRouter:
    """Answer what the page asks."""
    router = APIRouter(prefix="/api/admin")
    for part in (users, sessions, audit_log, health, backups, settings):
        router.include_router(part.routes(context))
    return router
