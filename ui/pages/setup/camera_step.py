"""The first step: what the camera sees, and its settings; the live picture is a script's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr

from cameras import CameraError, camera_class
from ui.core.errors import Refuse
from ui.core.panel import notice
from ui.core.script import script
from ui.core.settings_form import NUMBERS, SettingField, component_of, plain
from ui.pages.setup import camera
from ui.pages.setup.asked import Asked
from ui.pages.setup.camera import settings_now
from ui.pages.setup.camera_settings import LIGHT, fields_of, settable, view_of
from ui.pages.setup.desk import Desk, Step
from ui.pages.setup.draft import SetupDraft


class CameraStep(Step):
    """The picture at the left; settings that are tried, then kept, at the right."""

    name = "camera"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        say = desk.say
        self.stamp = gr.State(0)
        with gr.Row():
            with gr.Column(scale=3):
                self.picture = script("setup", "look")
            with gr.Column(scale=2, min_width=360):
                gr.Markdown(say("setup.camera_lead"))
                self.head = notice("camera-head", elem_classes="headline")
                self.light = notice("camera-light")
                self.problem = notice("camera-problem", elem_classes="red", role="alert")
                self.tried = notice("camera-tried", elem_classes="warn")
                self.told = notice("camera-told")
                gr.render(inputs=[*desk.which, self.stamp])(self._form)
                gr.Markdown(say("setup.camera_fixed"))
        self.shown = [self.stamp, self.picture, self.head, self.light, self.problem, self.tried]

    def missing(self, asked: Asked) -> str | None:
        """Somebody must have looked, and what was tried must be kept."""
        if asked.note.get("camera"):
            return asked.me.say("setup.camera_not_kept")
        looked = asked.note.get("looked") or asked.names
        return None if looked else asked.me.say("setup.camera_not_looked")

    def values(self, asked: Asked) -> list[Any]:
        """The camera's name, and whether its settings are only tried; the form is drawn anew for the stamp."""
        say, named = asked.me.say, view_of(settings_now(self.desk.context), asked.draft.view)
        tried = asked.note.get("camera") or {}
        try:
            kind, problem = camera_class(named.camera), ""
        except CameraError as error:  # a driver whose library is missing is told, not hidden
            kind, problem = None, str(error)
        lit = kind is None or any(field.name in LIGHT for field in fields_of(kind))
        which = {"product": asked.draft.product, "view": asked.draft.view, "paused": asked.paused}
        return [
            json.dumps([named.settings, tried], default=str),
            which,
            say("setup.camera_settings", name=named.camera),
            "" if lit else say("setup.camera_no_light"),
            problem,
            f"▲ {say('setup.camera_not_kept_long')}" if tried else "",
        ]

    def _form(self, product: str | None, view: str | None, stamp: Any) -> None:
        """A field for each setting that may be given here, and what may be done with them."""
        if not product or not view:
            return
        context, say = self.desk.context, self.desk.say
        try:
            fields, now, tried = _now(self.desk, product, view)
        except CameraError:
            return
        known = context.words.keys
        parts: dict[Any, SettingField] = {}
        with gr.Row(elem_classes="station-form"):
            for field in fields:
                made = component_of(field, now[field.name], say=say, known=known, where="camera")
                parts[made] = field
        with gr.Row():
            attempt = gr.Button(say("setup.camera_try"), variant="primary", elem_id="try-camera")
            keep = gr.Button(say("setup.camera_keep"), elem_id="keep-camera")
            back = gr.Button(say("setup.camera_back"), visible=bool(tried), elem_id="back-camera")

        def wanted(given: tuple[Any, ...]) -> dict[str, Any]:
            return {**tried, **_given(list(parts.values()), given, now)}

        async def tried_now(asked: Asked, *given: Any) -> str:
            await camera.attempt(
                context, asked.me.request, asked.draft, _read(asked, wanted, given)
            )
            return asked.me.say("setup.camera_tried")

        async def kept(asked: Asked, *given: Any) -> str:
            await camera.keep(context, asked.me.request, asked.draft, _read(asked, wanted, given))
            return asked.me.say("setup.camera_kept")

        async def put_back(asked: Asked) -> str:
            await camera.attempt(context, asked.me.request, asked.draft, {})
            return asked.me.say("setup.camera_tried")

        self.desk.act(self, attempt.click, tried_now, list(parts))
        self.desk.act(self, keep.click, kept, list(parts))
        self.desk.act(self, back.click, put_back)


def _now(
    desk: Desk, product: str, view: str
) -> tuple[list[SettingField], dict[str, Any], dict[str, Any]]:
    """The fields of a view's camera, their values, and what is only tried. Raises CameraError."""
    named = view_of(settings_now(desk.context), view)
    kind = camera_class(named.camera)
    note = SetupDraft(desk.context.folder, product, view).note.get("camera") or {}
    tried = {name: note[name] for name in note.keys() & settable(kind)}
    given = {**named.settings, **tried}
    fields = fields_of(kind)
    return fields, {each.name: plain(given.get(each.name, each.default)) for each in fields}, tried


def _read(asked: Asked, wanted: Any, given: tuple[Any, ...]) -> dict[str, Any]:
    """What a form says. Raises Refuse for a list that is none."""
    try:
        found: dict[str, Any] = wanted(given)
    except ValueError:
        raise Refuse(asked.me.say("setup.camera_not_json")) from None
    return found


def _given(
    fields: list[SettingField], given: tuple[Any, ...], now: Mapping[str, Any]
) -> dict[str, Any]:
    """Only what differs from what the station file and the driver say. Raises ValueError."""
    found = {}
    for field, value in zip(fields, given, strict=True):
        read = _value(field, value)
        before = now[field.name]
        if read != before or type(read) is bool is not type(before):
            found[field.name] = read
    return found


def _value(field: SettingField, value: Any) -> Any:
    """What a field of the form says; empty is none, a number's text a number where it is one."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text:
        return None
    if field.kind == "json":
        return json.loads(text)
    try:
        if field.kind in NUMBERS:
            return NUMBERS[field.kind](text)
        return int(text) if field.kind == "any" and text.isdigit() else text
    except ValueError:
        return text  # refused where the settings are checked, by its name
