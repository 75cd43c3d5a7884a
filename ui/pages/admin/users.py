"""Who may use the station page: listed, added, changed and removed by an administrator."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, StringConstraints

from inspection.store import Store
from inspection.store.event_kinds import ActionKind
from ui.core.audit import change
from ui.core.context import Context
from ui.security.badges import check_code
from ui.security.passwords import check_password
from ui.security.users import Role, User, Users, UsersError, check_name

ADDED = (ActionKind.USER_ADDED, ActionKind.FIRST_ADMINISTRATOR)

Name = Annotated[str, StringConstraints(max_length=200)]
Password = Annotated[str, StringConstraints(max_length=1000)]


class Named(BaseModel):
    """A user by name."""

    name: Name


class Ranked(Named):
    """A user and a role."""

    role: Role


class Secret(Named):
    """A user and a new password."""

    password: Password


class BadgeCode(Named):
    """A user and a new PIN or badge; empty: none any more."""

    code: Annotated[str, StringConstraints(max_length=200)]


class New(Ranked, Secret):
    """A user to be."""


def routes(context: Context) -> APIRouter:
    """Answer `/users…`; every change is in the record before it is made."""
    router = APIRouter(prefix="/users")
    users = context.users

    @router.get("")
    async def listed(request: Request) -> dict[str, Any]:
        """All users, with when they were added and signed in last as the record tells."""
        me = request.scope["user"].name
        return {"users": await asyncio.to_thread(_listed, users, context.store, me)}

    @router.post("/add")
    async def add(new: New, request: Request) -> Any:
        """Add a user."""

        def foresee() -> None:
            name = check_name(new.name, new.role)
            if users.find(name):
                raise UsersError(
                    f"user {name!r}: there is one already", reason="name_taken", who=name
                )
            check_password(name, new.password)

        return await change(
            context, request, ActionKind.USER_ADDED, {"name": new.name.strip(), "role": str(new.role)},
            foresee=foresee,
            make=lambda: users.add(new.name, new.password, new.role),
        )  # fmt: skip

    @router.post("/role")
    async def role(ranked: Ranked, request: Request) -> Any:
        """Change a user's role; the user's sessions end."""
        found = users.find(ranked.name)
        detail = {
            "name": ranked.name,
            "from": str(found.role) if found else None,
            "to": str(ranked.role),
        }

        def foresee() -> None:
            check_name(ranked.name, ranked.role)
            keep_an_administrator(users, ranked.name, ranked.role)

        return await change(
            context, request, ActionKind.USER_ROLE_CHANGED, detail,
            foresee=foresee,
            make=lambda: users.set_role(ranked.name, ranked.role),
        )  # fmt: skip

    @router.post("/password")
    async def password(secret: Secret, request: Request) -> Any:
        """Set a user's password; the user's sessions end."""

        def foresee() -> None:
            known(users, secret.name)
            check_password(secret.name, secret.password)

        return await change(
            context, request, ActionKind.USER_PASSWORD_SET, {"name": secret.name},
            foresee=foresee,
            make=lambda: users.set_password(secret.name, secret.password),
        )  # fmt: skip

    @router.post("/badge")
    async def badge(wanted: BadgeCode, request: Request) -> Any:
        """Give a user a PIN or badge, or take it away."""
        badges = users.badges

        def foresee() -> None:
            known(users, wanted.name)
            if wanted.code:
                check_code(wanted.name, wanted.code)

        def make() -> None:
            if wanted.code:
                badges.set(wanted.name, wanted.code)
            else:
                badges.remove(wanted.name)

        kind = ActionKind.USER_BADGE_SET if wanted.code else ActionKind.USER_BADGE_REMOVED
        return await change(
            context, request, kind, {"name": wanted.name}, foresee=foresee, make=make
        )

    @router.post("/remove")
    async def remove(named: Named, request: Request) -> Any:
        """Remove a user; the user's sessions end."""
        return await change(
            context, request, ActionKind.USER_REMOVED, {"name": named.name},
            foresee=lambda: keep_an_administrator(users, named.name, None),
            make=lambda: users.remove(named.name),
        )  # fmt: skip

    @router.post("/sign_out")
    async def sign_out(named: Named, request: Request) -> Any:
        """End all sessions of a user, wherever they are."""
        return await change(
            context, request, ActionKind.USER_SIGNED_OUT, {"name": named.name},
            foresee=lambda: known(users, named.name),
            make=lambda: users.sign_out(named.name),
        )  # fmt: skip

    return router


def known(users: Users, name: str) -> User:
    """The user. Raises UsersError when there is none."""
    found = users.find(name)
    if found is None:
        raise UsersError(f"user {name!r}: no such user", reason="unknown_user", who=name)
    return found


def keep_an_administrator(users: Users, name: str, role: Role | None) -> None:
    """Raise UsersError where no administrator would be left; a role of None is removal."""
    found = known(users, name)
    others = any(
        user.role is Role.ADMINISTRATOR and user.name != found.name for user in users.list()
    )
    if role is not Role.ADMINISTRATOR and not others:
        text = "users: no administrator would be left; make another one an administrator first"
        raise UsersError(text, reason="last_administrator")


def _listed(users: Users, store: Store, me: str) -> list[dict[str, Any]]:
    added = {
        action.detail.get("name", action.who): action.at.isoformat()
        for kind in ADDED
        for action in reversed(store.actions(kind=kind, limit=1000))
    }
    return [
        {
            "name": user.name,
            "role": str(user.role),
            "added_at": added.get(user.name),
            "signed_in_at": _last_sign_in(store, user.name),
            "badge": users.badges.has(user.name),
            "you": user.name == me,
        }
        for user in users.list()
    ]


def _last_sign_in(store: Store, name: str) -> str | None:
    found = store.actions(kind=ActionKind.SIGN_IN, who=name, limit=1)
    return found[0].at.isoformat() if found else None
