"""A live picture of a camera that is not in the station file yet: it is what one chooses by."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from inspection.station.camera_trial import LIVE_S, TAKE_S
from inspection.station.own_process import asked
from ui.core.panel import told

Pictures = Callable[[Mapping[str, Any], gr.Request], AsyncGenerator[str]]
"""Of the settings given, pictures one after another as JPEG in base64."""


def live_picture(
    look: gr.Button,
    stop: gr.Button,
    still: gr.Image,
    moving: gr.HTML,
    parts: Mapping[Any, str],
    pictures: Pictures,
) -> None:
    """Show the pictures of the settings in `parts`, by name, from *look* to *stop*, in place of the still one."""

    async def watched(given: dict[Any, Any], event: gr.Request) -> AsyncIterator[list[Any]]:
        yield [gr.update(visible=False), gr.skip(), *buttons(live=True)]
        async with aclosing(
            pictures({name: given[part] for part, name in parts.items()}, event)
        ) as some:
            while (jpeg := await told(partial(anext, some, None))) is not None:
                yield [gr.skip(), _image(jpeg), gr.skip(), gr.skip()]
        yield ended()

    def ended() -> list[Any]:
        return [gr.update(visible=True), gr.update(visible=False), *buttons(live=False)]

    def buttons(*, live: bool) -> list[Any]:
        return [gr.update(visible=not live), gr.update(visible=live)]

    shown = [still, moving, look, stop]
    on = partial(gr.on, show_progress="hidden")
    live = on(look.click, watched, set(parts), shown)
    on(stop.click, ended, None, shown, cancels=live)


async def pictures_of(
    station_file: Path, camera: str, settings: Mapping[str, Any]
) -> AsyncGenerator[str]:
    """Pictures of a camera that a process of its own holds meanwhile. Raises InspectionError."""
    answers = asked(
        "inspection.station.camera_trial:live", what=f"camera {camera}", timeout_s=LIVE_S + TAKE_S,
        given={"path": str(station_file), "camera": camera, "settings": settings},
    )  # fmt: skip
    try:
        while (jpeg := await asyncio.to_thread(next, answers, None)) is not None:
            yield jpeg
    finally:
        await asyncio.to_thread(_end, answers)


def _end(answers: Generator[Any]) -> None:
    """Close a generator that another thread may still wait for, until its next answer."""
    while True:
        try:
            answers.close()
        except ValueError:
            time.sleep(0.05)
        else:
            return


def _image(jpeg: str) -> Any:
    return gr.update(value=f'<img alt="" src="data:image/jpeg;base64,{jpeg}">', visible=True)
