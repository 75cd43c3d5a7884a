"""Users and open sessions on the administrator's page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from ui.core.audit import FIELDS, explain
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.core.panel import Asker, Cell, asker, done, notice, table_value
from ui.pages.admin.sessions import end_session, own_handle
from ui.pages.admin.users import UserAdministration, last_administrator, listed
from ui.security.sessions import OpenSession
from ui.security.users import Role, UsersError

STILL_IN = """() => { fetch("/admin/", {method: "HEAD"}); }"""
"""A question whose refusal leads to the sign-in whoever ended the own session, or is no administrator any more."""


class UserHandlers:
    """Each public method answers an event; only administrators are answered."""

    def __init__(self, context: Context) -> None:
        self.context, self.change = context, UserAdministration(context)

    async def show(self, event: gr.Request, select: str | None = None) -> list[Any]:
        """Users and sessions, as tables and to choose from, and the roles."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        users = await asyncio.to_thread(listed, self.context.users, self.context.store)
        sessions = await asyncio.to_thread(self.context.sessions.listed)
        names = [user.name for user in users]
        rows: list[list[str | Cell]] = [
            [
                Cell(user.name, _called(user.name, me.say("admin.you"), user.name == me.name)),
                me.say(f"login.role_{user.role}"),
                me.wording.moment(user.added_at, seconds=False),
                me.wording.moment(user.signed_in_at, seconds=False)
                if user.signed_in_at
                else me.say("admin.never"),
                "✓" if user.badge else "",
            ]
            for user in users
        ]
        heads = ["name", "role", "added_at", "signed_in_at", "badge_give"]
        return [
            table_value([me.say(f"admin.{head}") for head in heads], rows),
            gr.update(choices=names, value=select if select in names else names[0]),
            self._sessions(me, sessions),
            gr.update(
                choices=[(self._session(me, each), each.handle) for each in sessions],
                value=None,
            ),
            gr.update(choices=_roles(me)),
        ]

    async def choose(self, name: str | None, event: gr.Request) -> list[Any]:
        """What may be done with a user: the last administrator and oneself are protected."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        found = self.context.users.find(name or "")
        last = await asyncio.to_thread(last_administrator, self.context.users) == name
        own = name == me.name
        return [
            gr.update(
                choices=_roles(me),
                value=str(found.role) if found else None,
                interactive=not last,
                info=me.say("admin.last_administrator_hint") if last else "",
            ),
            gr.update(interactive=not last),
            gr.update(interactive=not last),
            gr.update(
                visible=not own, value="", info=me.say("admin.set_password_why", name=name or "")
            ),
            gr.update(visible=not own),
            gr.update(visible=own),
        ]

    def check_new(self, name: str, role: str, password: str, event: gr.Request) -> list[Any]:
        """What is wrong with a user to be, each at its field."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        return self._at_fields(
            me,
            partial(self.change.foresee_addition, name, Role(role), password),
            ("name", "role", "password"),
        )

    async def add(self, name: str, role: str, password: str, event: gr.Request) -> list[Any]:
        """Add a user."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        await self._done(me, partial(self.change.add, me.request, name, Role(role), password))
        told = me.say("admin.added", name=name.strip())
        return [told, "", "", *await self.show(event, name.strip())]

    def check_password(self, name: str, password: str, event: gr.Request) -> list[Any]:
        """What is wrong with a new password, at its field."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        check = partial(self.change.foresee_password, name, password)
        return self._at_fields(me, check, ("name", "password"))

    async def set_password(self, name: str, password: str, event: gr.Request) -> list[Any]:
        """Set a user's password."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        await self._done(me, partial(self.change.set_password, me.request, name, password))
        return [me.say("admin.password_set", name=name), "", *await self.show(event, name)]

    def check_badge(self, name: str, code: str, event: gr.Request) -> list[Any]:
        """What is wrong with a PIN or badge, at its field."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        check = partial(self.change.foresee_badge, name, code)
        return self._at_fields(me, check, ("name", "code"))

    async def set_badge(self, name: str, code: str, event: gr.Request) -> list[Any]:
        """Give a user a PIN or badge, or take it away."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        await self._done(me, partial(self.change.set_badge, me.request, name, code))
        told = me.say("admin.badge_saved" if code else "admin.badge_gone", name=name)
        return [told, "", *await self.show(event, name)]

    def ask_role(self, name: str, role: str, event: gr.Request) -> list[Any]:
        """Ask before a role is changed."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        text = me.say("admin.change_role_question", name=name, role=me.say(f"login.role_{role}"))
        return _asked({"verb": "role", "name": name, "role": role}, text)

    def ask_sign_out(self, name: str, event: gr.Request) -> list[Any]:
        """Ask before a user is signed out everywhere."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        text = me.say("admin.sign_out_question", name=name)
        return _asked({"verb": "sign_out", "name": name}, text)

    def ask_remove(self, name: str, event: gr.Request) -> list[Any]:
        """Ask before a user is removed."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        return _asked({"verb": "remove", "name": name}, me.say("admin.remove_question", name=name))

    async def confirm(self, asked: Mapping[str, str] | None, event: gr.Request) -> list[Any]:
        """Do what was asked for."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        if asked is None:
            return [gr.skip(), *_asked(None, ""), *await self.show(event)]
        verb, name = asked["verb"], asked["name"]
        if verb == "role":
            role = Role(asked["role"])
            await self._done(me, partial(self.change.set_role, me.request, name, role))
            told = me.say("admin.role_changed", name=name, role=me.say(f"login.role_{role}"))
        elif verb == "sign_out":
            await self._done(me, partial(self.change.sign_out, me.request, name))
            told = me.say("admin.signed_out", name=name)
        else:
            await self._done(me, partial(self.change.remove, me.request, name))
            told = me.say("admin.removed", name=name)
        return [told, *_asked(None, ""), *await self.show(event, name)]

    def cancel(self, event: gr.Request) -> list[Any]:
        """Do nothing of it."""
        asker(self.context, event, Role.ADMINISTRATOR)
        return _asked(None, "")

    async def end(self, handle: str | None, event: gr.Request) -> list[Any]:
        """End one session."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        ended = await done(partial(end_session, self.context, me.request, handle or ""))
        told = me.say("admin.session_ended", name=ended.user.name)
        return [told, *await self.show(event)]

    async def pick(self, event: gr.SelectData, request: gr.Request) -> str:
        """The user whose row was clicked, wherever sorting put it."""
        asker(self.context, request, Role.ADMINISTRATOR)
        return str(event.row_value[0])

    def pick_session(self, event: gr.SelectData, request: gr.Request) -> Any:
        """The session whose row was clicked, wherever sorting put it."""
        asker(self.context, request, Role.ADMINISTRATOR)
        handle = str(event.row_value[0]).rpartition(" ")[2]
        there = any(each.handle == handle for each in self.context.sessions.listed())
        return handle if there else gr.skip()

    def reveal(self, shown: bool) -> Any:
        """Let a password be read, or not."""
        return gr.update(type="text" if shown else "password")

    async def _done(self, me: Asker, work: Callable[[], Awaitable[None]]) -> None:
        async def in_words() -> None:
            try:
                await work()
            except UsersError as error:
                text = explain(self.context, me.language, error)
                raise Refuse(text, status=409) from error

        await done(in_words)

    def _at_fields(
        self, me: Asker, check: Callable[[], None], fields: tuple[str, ...]
    ) -> list[Any]:
        wrong: dict[str, str] = {}
        try:
            check()
        except UsersError as error:
            field = FIELDS.get(error.reason, fields[0])
            wrong[field if field in fields else fields[0]] = explain(
                self.context, me.language, error
            )
        return [gr.validate(field not in wrong, wrong.get(field, "")) for field in fields]

    def _sessions(self, me: Asker, sessions: list[OpenSession]) -> dict[str, Any]:
        mine = own_handle(me.request)
        heads = ["name", "role", "session_since", "session_used", "session_from"]
        rows: list[list[str | Cell]] = [
            [
                Cell(
                    f"{each.user.name} {each.handle}",
                    _called(each.user.name, me.say("admin.session_mine"), each.handle == mine),
                ),
                me.say(f"login.role_{each.user.role}"),
                me.wording.moment(each.since_s),
                me.wording.moment(each.used_s),
                each.address or "–",
            ]
            for each in sessions
        ]
        return table_value([me.say(f"admin.{head}") for head in heads], rows)

    def _session(self, me: Asker, each: OpenSession) -> str:
        return f"{each.user.name} · {each.address or '–'} · {me.wording.moment(each.since_s)}"


def _called(name: str, mark: str, marked: bool) -> str:
    return f"{name} ({mark})" if marked else name


def _roles(me: Asker) -> list[tuple[str, str]]:
    return [(me.say(f"login.role_{role}"), str(role)) for role in Role]


def _asked(what: dict[str, str] | None, text: str) -> list[Any]:
    return [what, gr.update(visible=what is not None), text]


@dataclass(frozen=True, slots=True)
class _NewUser:
    """The fields of a user to be, and the button that adds them."""

    name: gr.Textbox
    role: gr.Dropdown
    password: gr.Textbox
    add: gr.Button
    told: gr.HTML


def _new_user(do: UserHandlers, say: gr.I18n) -> _NewUser:
    told = notice("user-added")
    with gr.Accordion(say("admin.add_user"), elem_id="adding"):
        with gr.Row():
            name = gr.Textbox(label=say("admin.name"), max_length=64, elem_id="new-name")
            role = gr.Dropdown(
                label=say("admin.role"), value=str(Role.OPERATOR),
                choices=[str(each) for each in Role], elem_id="new-role",
            )  # fmt: skip
        password = gr.Textbox(
            label=say("admin.password"), info=say("admin.password_hint"), type="password",
            max_length=256, elem_id="new-password",
        )  # fmt: skip
        shown = gr.Checkbox(label=say("admin.show_password"), elem_id="reveal")
        add = gr.Button(say("admin.add"), variant="primary", elem_id="add")
    gr.on(shown.change, do.reveal, shown, password, show_progress="hidden")
    return _NewUser(name, role, password, add, told)


@dataclass(frozen=True, slots=True)
class _Change:
    """What is changed of a user who is there."""

    role: gr.Dropdown
    set_role: gr.Button
    password: gr.Textbox
    set_password: gr.Button
    own: gr.Button
    badge: gr.Textbox
    set_badge: gr.Button
    sign_out: gr.Button
    remove: gr.Button


def _change(say: gr.I18n) -> _Change:
    with gr.Row(elem_classes="at-end"):
        role = gr.Dropdown(label=say("admin.role"), elem_id="role", scale=3)
        set_role = gr.Button(say("admin.change_role"), elem_id="set-role", scale=2)
    with gr.Row(elem_classes="at-end"):
        password = gr.Textbox(
            label=say("admin.account_new"), type="password", max_length=256, elem_id="password",
            scale=3,
        )  # fmt: skip
        set_password = gr.Button(say("admin.set_password"), elem_id="set-password", scale=2)
        own = gr.Button(say("admin.account_change"), link="/account", visible=False, elem_id="own")
    with gr.Row(elem_classes="at-end"):
        badge = gr.Textbox(
            label=say("admin.badge_code"), info=say("admin.badge_why"), type="password",
            max_length=200, elem_id="badge", scale=3,
        )  # fmt: skip
        set_badge = gr.Button(say("admin.badge_save"), elem_id="set-badge", scale=2)
    with gr.Row():
        sign_out = gr.Button(say("admin.sign_out_everywhere"), elem_id="sign-out")
        remove = gr.Button(say("admin.remove"), variant="stop", elem_id="remove")
    return _Change(role, set_role, password, set_password, own, badge, set_badge, sign_out, remove)


def users_tab(context: Context, say: gr.I18n) -> None:
    """Users and sessions, and what can be done with the one chosen."""
    do = UserHandlers(context)
    on = partial(gr.on, show_progress="hidden")
    told, asked = notice("users-told"), gr.State(None)
    with gr.Row():
        with gr.Column(scale=3):
            table = gr.Dataframe(buttons=[], interactive=False, wrap=True, elem_id="users")
            sessions = gr.Dataframe(
                label=say("admin.sessions"),
                interactive=False,
                wrap=True,
                buttons=[],
                elem_id="sessions",
            )
            with gr.Row(equal_height=True):
                session = gr.Dropdown(
                    label=say("admin.sessions"),
                    show_label=False,
                    container=False,
                    elem_id="session",
                    scale=4,
                )
                end = gr.Button(say("admin.session_end"), elem_id="session-end", scale=1)
        with gr.Column(scale=2, min_width=340):
            chosen = gr.Dropdown(label=say("admin.tab_users"), elem_id="chosen")
            with gr.Group(visible=False, elem_id="ask") as group:
                question = notice("question")
                with gr.Row():
                    cancel = gr.Button(say("admin.cancel"), elem_id="ask-cancel")
                    confirm = gr.Button(say("admin.confirm"), variant="stop", elem_id="ask-confirm")
            to, new = _change(say), _new_user(do, say)
    shown = [table, chosen, sessions, session, new.role]
    asking = [asked, group, question]
    theirs = [to.role, to.set_role, to.remove, to.password, to.set_password, to.own]
    on(fn=do.show, outputs=shown)
    on(chosen.change, do.choose, chosen, theirs)
    on(table.select, do.pick, None, chosen)
    on(sessions.select, do.pick_session, None, session)
    on(
        new.add.click, do.add, [new.name, new.role, new.password],
        [new.told, new.name, new.password, *shown], validator=do.check_new,
    )  # fmt: skip
    on(
        to.set_password.click, do.set_password, [chosen, to.password],
        [told, to.password, *shown], validator=do.check_password,
    )  # fmt: skip
    on(
        to.set_badge.click, do.set_badge, [chosen, to.badge],
        [told, to.badge, *shown], validator=do.check_badge,
    )  # fmt: skip
    on(to.set_role.click, do.ask_role, [chosen, to.role], asking)
    on(to.sign_out.click, do.ask_sign_out, chosen, asking)
    on(to.remove.click, do.ask_remove, chosen, asking)
    on(cancel.click, do.cancel, None, asking)
    on(confirm.click, do.confirm, asked, [told, *asking, *shown]).success(fn=None, js=STILL_IN)
    on(end.click, do.end, session, [told, *shown]).success(fn=None, js=STILL_IN)
