"""A person's own page: changing the password."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, StringConstraints

from inspection.store.event_kinds import ActionKind
from ui.core.audit import change
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.core.page import Page
from ui.security.passwords import check_password
from ui.security.users import Role, UsersError

PAGE = Page(name="account", path="/account", role=Role.OPERATOR)

Password = Annotated[str, StringConstraints(max_length=1000)]


class PasswordChange(BaseModel):
    """The password a person has, and the one to have."""

    current: Password
    password: Password


def routes(context: Context) -> APIRouter:
    """Answer what the page asks."""
    router = APIRouter(prefix="/api/operator/account")

    @router.post("/password")
    async def password(wanted: PasswordChange, request: Request) -> Any:
        """Change one's own password; all one's sessions end, this one too."""
        name = request.scope["user"].name
        if request.scope.get("session") is None:
            text = context.words.say("admin.account_nobody", request.scope["language"])
            raise Refuse(text, status=403)
        address = (request.client and request.client.host) or ""

        def foresee() -> None:
            check_password(name, wanted.password)
            if context.users.check(name, wanted.current, address=address) is None:
                raise UsersError(f"user {name!r}: wrong password", reason="wrong_password")

        return await change(
            context, request, ActionKind.PASSWORD_CHANGED, {"name": name},
            foresee=foresee,
            make=lambda: context.users.set_password(name, wanted.password),
        )  # fmt: skip

    return router
