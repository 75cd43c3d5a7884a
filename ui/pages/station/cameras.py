"""The tab of cameras: what was found, a picture of it, and which one a view looks through."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any

import cv2
import gradio as gr
import numpy as np

from cameras import CameraError, camera_class, camera_names
from inspection.errors import InspectionError
from inspection.station.camera_search import found_cameras, look
from inspection.station.camera_trial import LIVE_S, TAKE_S, small_jpeg
from inspection.station.own_process import ask
from inspection.station.station_file import StationFile, ViewSettings, read_station, settings_for
from inspection.station.station_tables import set_camera
from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.context import Context
from ui.core.panel import done, request_of
from ui.core.restart import restart_due
from ui.core.settings_form import component_of, setting_fields, settings_given
from ui.pages.station.allowed import check_allowed
from ui.pages.station.live_picture import live_picture, pictures_of
from ui.pages.station.shown import shown_settings

on = partial(gr.on, show_progress="minimal")


def cameras_tab(context: Context, say: gr.I18n, shown: list[Any]) -> None:
    """Lay out the tab; `shown` is the line of the restart."""
    views = [view.name for view in context.settings.views]
    known = context.words.keys
    with gr.Row():
        with gr.Column():
            view = gr.Dropdown(views, value=views[0], label=say("station.view"), elem_id="view")
            search = gr.Button(say("station.look"), elem_id="look")
            found = gr.Dropdown([], label=say("station.found"), elem_id="found")
            not_found = gr.Textbox(
                label=say("station.not_found"), visible=False, elem_id="not-found"
            )
            kind = gr.Dropdown(
                camera_names(), value=context.settings.views[0].camera, label=say("station.kind"),
                elem_id="kind",
            )  # fmt: skip
        with gr.Column():
            picture = gr.Image(
                label=say("station.picture"), interactive=False, buttons=["fullscreen"],
                elem_id="picture",
            )  # fmt: skip
            moving = gr.HTML(visible=False, elem_id="moving")

    def form(view_name: str, camera: str | None, device: str | None) -> None:
        if camera is None:
            return
        try:
            fields = setting_fields(camera_class(camera))
        except CameraError as error:
            gr.Textbox(str(error), label=say("station.problem"))
            return
        now = _start_values(read_station(context.station_path), view_name, camera, device)
        parts = {}
        with gr.Row(elem_classes="station-form"):
            for field in fields:
                if field.kind != "json":
                    value = now.get(field.name, field.default)
                    made = component_of(field, value, say=say, known=known, where="camera")
                    parts[made] = field.name
        with gr.Row():
            take = gr.Button(say("station.take"), elem_id="take")
            look_live = gr.Button(say("station.live"), elem_id="live")
            stop = gr.Button(say("station.live_stop"), elem_id="live-stop", visible=False)
        keep = gr.Button(say("station.keep_camera"), variant="primary", elem_id="keep-camera")

        async def taken(given: dict[Any, Any], event: gr.Request) -> Any:
            values = {name: given[part] for part, name in parts.items()}
            return await _take(context, view_name, camera, values, event)

        async def kept(given: dict[Any, Any], event: gr.Request) -> list[Any]:
            values = {name: given[part] for part, name in parts.items()}
            return await _keep(context, view_name, camera, values, event)

        pictures = partial(_live, context, view_name, camera)
        live_picture(look_live, stop, picture, moving, parts, pictures)
        on(take.click, taken, set(parts), picture)
        on(keep.click, kept, set(parts), shown)

    gr.render(inputs=[view, kind, found])(form)
    on(fn=partial(_kind_of, context), inputs=view, outputs=kind)
    on(view.change, partial(_kind_of, context), view, kind)
    on(search.click, partial(_search, context), None, [found, not_found])
    on(found.change, _found_kind, found, kind)


def _start_values(
    settings: StationFile, view: str, camera: str, device: str | None
) -> Mapping[str, Any]:
    """What a form begins with: the device that was found, else what the file says."""
    if device is not None and (named := json.loads(device))["camera"] == camera:
        return dict(named["settings"])
    now = _view(settings, view)
    return now.settings if now.camera == camera else {}


def _view(settings: StationFile, name: str) -> ViewSettings:
    return next(view for view in settings.views if view.name == name)


def _kind_of(context: Context, view: str) -> str:
    return _view(read_station(context.station_path), view).camera


def _found_kind(device: str | None) -> Any:
    return gr.skip() if device is None else json.loads(device)["camera"]


async def _search(context: Context) -> list[Any]:
    searches = await asyncio.to_thread(look)
    choices = [
        (
            f"{each.camera}: {each.device.label}",
            json.dumps({"camera": each.camera, "settings": dict(each.device.settings)}),
        )
        for each in found_cameras(searches)
    ]
    problems = "\n".join(f"{each.camera}: {each.problem}" for each in searches if each.problem)
    return [
        gr.update(choices=choices, value=choices[0][1] if choices else None),
        gr.update(value=problems, visible=bool(problems)),
    ]


def _table(context: Context, view: str, camera: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings a form asks for, checked. Raises SetupError."""
    settings = read_station(context.station_path)
    now, driver, where = _view(settings, view), camera_class(camera), f"views.{view}.settings"
    before = now.settings if now.camera == camera else {}
    fields = setting_fields(driver)
    table = settings_given(fields, given, before)
    check_allowed(context, where, fields, table, before)
    settings_for(driver, table, where=where, home=settings.home)
    return table


async def _take(
    context: Context, view: str, camera: str, given: Mapping[str, Any], event: gr.Request
) -> Any:
    """One picture, by these settings; the station's own camera is asked for by the station."""

    async def picture() -> Any:
        try:
            table = await asyncio.to_thread(_table, context, view, camera, given)
        except CameraError as error:
            raise InspectionError(str(error)) from error
        about = {"view": view, "camera": camera, "settings": shown_settings(table)}
        async with audited(context, request_of(event), ActionKind.CAMERA_TRIED, **about):
            now = _view(context.settings, view)
            if (now.camera, now.settings) == (camera, table):
                return await _of_station(context, view, event)
            answer = await asyncio.to_thread(
                ask, "inspection.station.camera_trial:take", what=f"camera {camera}",
                timeout_s=TAKE_S,
                given={"path": str(context.station_path), "camera": camera, "settings": table},
            )  # fmt: skip
            return _decoded(base64.b64decode(answer["png"]))

    return await done(picture)


async def _live(
    context: Context, view: str, camera: str, given: Mapping[str, Any], event: gr.Request
) -> AsyncGenerator[str]:
    """Pictures one after another, by these settings. Raises InspectionError, Refused."""
    try:
        table = await asyncio.to_thread(_table, context, view, camera, given)
    except CameraError as error:
        raise InspectionError(str(error)) from error
    about = {"view": view, "camera": camera, "settings": shown_settings(table)}
    async with audited(context, request_of(event), ActionKind.CAMERA_TRIED, **about):
        now, end = _view(context.settings, view), time.monotonic() + LIVE_S
        while (now.camera, now.settings) == (camera, table) and time.monotonic() < end:
            image = await _of_station(context, view, event)
            yield small_jpeg(image[:, :, ::-1])
        if (now.camera, now.settings) != (camera, table):
            async with aclosing(pictures_of(context.station_path, camera, table)) as pictures:
                async for jpeg in pictures:
                    yield jpeg


async def _of_station(context: Context, view: str, event: gr.Request) -> Any:
    """A picture of a camera at work; the station must be paused. Raises Refused."""
    file = context.folder / f"tried-{view.encode().hex()}.png"
    try:
        who = request_of(event).scope["user"].name
        await context.runtime.do("take", who=who, view=view, path=str(file))
        return _decoded(await asyncio.to_thread(file.read_bytes))
    finally:
        file.unlink(missing_ok=True)


def _decoded(png: bytes) -> Any:
    """(H, W, 3) RGB of a picture's file."""
    bgr = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    return bgr[:, :, ::-1] if bgr is not None else None


async def _keep(
    context: Context, view: str, camera: str, given: Mapping[str, Any], event: gr.Request
) -> list[Any]:
    """Write the camera of a view into the station file."""

    async def kept() -> None:
        table = await asyncio.to_thread(_table, context, view, camera, given)
        about = {"view": view, "camera": camera, "settings": shown_settings(table)}
        async with audited(context, request_of(event), ActionKind.CAMERA_CHOSEN, **about):
            await asyncio.to_thread(set_camera, context.station_path, view, camera, table)

    await done(kept)
    return restart_due(context, request_of(event).scope["language"])
