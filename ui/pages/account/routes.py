"""A person's own page: changing the password; of Gradio's components."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr
from fastapi import APIRouter, Request

from inspection.store.event_kinds import ActionKind
from ui.core.audit import FIELDS, explain, make_change
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.core.page import Page
from ui.core.panel import Asker, asker, done, notice
from ui.security.passwords import LONGEST, check_password
from ui.security.users import Role, UsersError

PAGE = Page(name="account", path="/account", role=Role.OPERATOR)
NAMES = ("current", "new", "again")


def routes(context: Context) -> APIRouter:
    """It has none of its own."""
    return APIRouter()


async def change_password(context: Context, request: Request, current: str, wanted: str) -> None:
    """Change one's own password; all one's sessions end, this one too. Raises Refuse or UsersError."""
    name = request.scope["user"].name
    if request.scope.get("session") is None:
        text = context.words.say("admin.account_nobody", request.scope["language"])
        raise Refuse(text, status=403)
    address = (request.client and request.client.host) or ""

    def foresee() -> None:
        check_password(name, wanted)
        if context.users.check(name, current, address=address) is None:
            raise UsersError(f"user {name!r}: wrong password", reason="wrong_password")

    await make_change(
        context, request, ActionKind.PASSWORD_CHANGED, {"name": name},
        foresee=foresee,
        make=lambda: context.users.set_password(name, wanted),
    )  # fmt: skip


class Handlers:
    """Each public method answers an event."""

    def __init__(self, context: Context) -> None:
        self.context = context

    async def open(self, event: gr.Request) -> str:
        """Who is signed in."""
        me = asker(self.context, event, Role.OPERATOR)
        role = me.say(f"login.role_{me.request.scope['user'].role}")
        return me.say("admin.account_user", name=me.name, role=role)

    async def change(self, event: gr.Request, current: str, wanted: str, again: str) -> list[Any]:
        """Change the password, or say at its field what is wrong."""
        me = asker(self.context, event, Role.OPERATOR)
        wrong = dict.fromkeys(NAMES, "")
        if wanted != again:
            wrong["again"] = me.say("login.passwords_differ")
        else:
            field, text = await done(partial(self._changed, me, current, wanted))
            wrong |= {field: text} if text else {}
        changed = not any(wrong.values())
        return [
            gr.update(visible=not changed),
            me.say("admin.account_done") if changed else "",
            gr.update(visible=changed),
            *wrong.values(),
        ]

    async def _changed(self, me: Asker, current: str, wanted: str) -> tuple[str, str]:
        """Change the password; the field that is wrong, and why, else no text."""
        try:
            await change_password(self.context, me.request, current, wanted)
        except UsersError as error:
            at_new = FIELDS.get(error.reason) == "password"
            return "new" if at_new else "current", explain(self.context, me.language, error)
        return "", ""


def panel(context: Context, say: gr.I18n) -> None:
    """Three passwords, each with what is wrong with it below, and a button."""
    do, fields, wrong = Handlers(context), [], []
    gr.Markdown(say("admin.account_title"), elem_classes="title")
    who = notice("who-am-i")
    with gr.Column(elem_classes="prose", elem_id="account-form") as form:
        for name in NAMES:
            fill = "current-password" if name == "current" else "new-password"
            fields.append(
                gr.Textbox(
                    label=say(f"admin.account_{name}"), type="password", max_length=LONGEST,
                    info=say("admin.password_hint") if name == "new" else None,
                    html_attributes=gr.InputHTMLAttributes(autocomplete=fill), elem_id=name,
                )
            )  # fmt: skip
            wrong.append(notice(f"wrong-{name}", elem_classes="red", role="alert"))
        shown = gr.Checkbox(label=say("admin.show_password"), elem_id="show")
        gr.Markdown(say("admin.account_why"))
        button = gr.Button(say("admin.account_change"), variant="primary", elem_id="change")
    told = notice("done", elem_classes="headline")
    onward = gr.Button(
        say("base.sign_in"), variant="primary", visible=False, link="/login?next=/account",
        elem_id="sign-in",
    )  # fmt: skip
    on = partial(gr.on, show_progress="hidden")
    on(fn=do.open, outputs=who)
    on(
        shown.input,
        lambda shown: [gr.update(type="text" if shown else "password")] * 3,
        shown,
        fields,
    )
    on([button.click, fields[-1].submit], do.change, fields, [form, told, onward, *wrong])
