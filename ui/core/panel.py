"""Pages made of Gradio's own components, with handlers in Python: their theme, bar and calls.

A page whose `routes.py` has `panel(context, say)` is one; CONTRIBUTING.md shows how to write it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import gradio as gr
from fastapi import Request

from inspection.errors import InspectionError
from inspection.store import StoreError
from ui.core.errors import Refuse
from ui.live.station_client import Refused

T = TypeVar("T")
_LETTERS = [
    "Noto Sans",
    "DejaVu Sans",
    "Arial",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
    "sans-serif",
]

_DARK = {
    "body_background_fill": "var(--back)",
    "background_fill_primary": "var(--panel)",
    "background_fill_secondary": "var(--back)",
    "block_background_fill": "var(--panel)",
    "block_border_color": "var(--line)",
    "block_label_background_fill": "var(--panel)",
    "block_label_text_color": "var(--dim)",
    "block_title_text_color": "var(--dim)",
    "block_info_text_color": "var(--dim)",
    "body_text_color": "var(--ink)",
    "body_text_color_subdued": "var(--dim)",
    "border_color_primary": "var(--line)",
    "input_background_fill": "#0f151d",
    "input_border_color": "#3d4a5a",
    "button_primary_background_fill": "var(--accent)",
    "button_primary_text_color": "#04121d",
    "button_secondary_background_fill": "#0f151d",
    "button_secondary_border_color": "#3d4a5a",
    "button_secondary_text_color": "var(--ink)",
    "color_accent_soft": "var(--line)",
    "link_text_color": "var(--accent)",
    "table_text_color": "var(--ink)",
    "table_even_background_fill": "var(--panel)",
    "table_odd_background_fill": "#0f151d",
}
# The variables are those of shared/base.css; light or dark, as the browser says, they are the same.
THEME = gr.themes.Base(font=_LETTERS, font_mono=_LETTERS).set(
    **_DARK, **{f"{name}_dark": value for name, value in _DARK.items() if name != "font"}
)


def panel_bar(name: str) -> None:
    """Put the line of links of all pages on top of a panel."""
    gr.HTML(
        value="",
        html_template='<div class="panel-bar"></div>',
        js_on_load=f"""
            import("/static/shared/base.js").then(({{bar}}) =>
              element.querySelector(".panel-bar").append(bar("{name}")));
        """,
        elem_id=f"{name}-bar",
        apply_default_css=False,
    )


def request_of(event: gr.Request) -> Request:
    """The request behind an event: who asks, and in which language, are in its scope."""
    assert event.request is not None
    return event.request


async def done(work: Callable[[], Awaitable[T]]) -> T:
    """Do something; what is refused is shown to the person as one line. Raises gr.Error."""
    try:
        return await work()
    except (Refuse, Refused, InspectionError, StoreError) as error:
        raise gr.Error(
            " ".join(str(error).split()), duration=None, print_exception=False
        ) from error
