"""Who may use the station page: listed, added, changed and removed by an administrator."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from inspection.store import Store
from inspection.store.event_kinds import ActionKind
from ui.core.audit import make_change
from ui.core.context import Context
from ui.security.badges import check_code
from ui.security.passwords import check_password
from ui.security.users import Role, User, Users, UsersError, check_name

ADDED = (ActionKind.USER_ADDED, ActionKind.FIRST_ADMINISTRATOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """A user, with when they were added and signed in last as the record tells, in ISO 8601."""

    name: str
    role: Role
    added_at: str | None
    signed_in_at: str | None
    badge: bool


class UserAdministration:
    """Every change is in the record before it is made. Each raises UsersError, or Refuse if it cannot be noted."""

    def __init__(self, context: Context) -> None:
        self.context, self.users = context, context.users

    def foresee_addition(self, name: str, role: Role, password: str) -> None:
        """Raise UsersError where such a user cannot be added."""
        name = check_name(name, role)
        if self.users.find(name):
            raise UsersError(f"user {name!r}: there is one already", reason="name_taken", who=name)
        check_password(name, password)

    async def add(self, request: Request, name: str, role: Role, password: str) -> None:
        """Add a user."""
        await make_change(
            self.context, request, ActionKind.USER_ADDED, {"name": name.strip(), "role": str(role)},
            foresee=lambda: self.foresee_addition(name, role, password),
            make=lambda: self.users.add(name, password, role),
        )  # fmt: skip

    async def set_role(self, request: Request, name: str, role: Role) -> None:
        """Change a user's role; the user's sessions end."""
        found = self.users.find(name)
        detail = {"name": name, "from": str(found.role) if found else None, "to": str(role)}

        def foresee() -> None:
            check_name(name, role)
            keep_an_administrator(self.users, name, role)

        await make_change(
            self.context, request, ActionKind.USER_ROLE_CHANGED, detail,
            foresee=foresee,
            make=lambda: self.users.set_role(name, role),
        )  # fmt: skip

    def foresee_password(self, name: str, password: str) -> None:
        """Raise UsersError where a user cannot have this password."""
        known(self.users, name)
        check_password(name, password)

    async def set_password(self, request: Request, name: str, password: str) -> None:
        """Set a user's password; the user's sessions end."""
        await make_change(
            self.context, request, ActionKind.USER_PASSWORD_SET, {"name": name},
            foresee=lambda: self.foresee_password(name, password),
            make=lambda: self.users.set_password(name, password),
        )  # fmt: skip

    def foresee_badge(self, name: str, code: str) -> None:
        """Raise UsersError where a user cannot have this PIN or badge."""
        known(self.users, name)
        if code:
            check_code(name, code)

    async def set_badge(self, request: Request, name: str, code: str) -> None:
        """Give a user a PIN or badge; an empty one: take it away."""
        badges = self.users.badges
        kind = ActionKind.USER_BADGE_SET if code else ActionKind.USER_BADGE_REMOVED
        await make_change(
            self.context, request, kind, {"name": name},
            foresee=lambda: self.foresee_badge(name, code),
            make=lambda: badges.set(name, code) if code else badges.remove(name),
        )  # fmt: skip

    async def remove(self, request: Request, name: str) -> None:
        """Remove a user; the user's sessions end."""
        await make_change(
            self.context, request, ActionKind.USER_REMOVED, {"name": name},
            foresee=lambda: keep_an_administrator(self.users, name, None),
            make=lambda: self.users.remove(name),
        )  # fmt: skip

    async def sign_out(self, request: Request, name: str) -> None:
        """End all sessions of a user, wherever they are."""
        await make_change(
            self.context, request, ActionKind.USER_SIGNED_OUT, {"name": name},
            foresee=lambda: known(self.users, name),
            make=lambda: self.users.sign_out(name),
        )  # fmt: skip


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


def listed(users: Users, store: Store) -> list[UserRow]:
    """All users, by name."""
    added = {
        action.detail.get("name", action.who): action.at.isoformat()
        for kind in ADDED
        for action in reversed(store.actions(kind=kind, limit=1000))
    }
    return [
        UserRow(
            name=user.name,
            role=user.role,
            added_at=added.get(user.name),
            signed_in_at=_last_sign_in(store, user.name),
            badge=users.badges.has(user.name),
        )
        for user in users.list()
    ]


def last_administrator(users: Users) -> str | None:
    """The name of the only administrator there is; None where there are several."""
    found = [user.name for user in users.list() if user.role is Role.ADMINISTRATOR]
    return found[0] if len(found) == 1 else None


def _last_sign_in(store: Store, name: str) -> str | None:
    found = store.actions(kind=ActionKind.SIGN_IN, who=name, limit=1)
    return found[0].at.isoformat() if found else None
