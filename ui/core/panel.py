"""Pages made of Gradio's own components, with handlers in Python: their theme, bar and calls.

A page whose `routes.py` has `panel(context, say)` is one; CONTRIBUTING.md shows how to write it.
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import gradio as gr
from fastapi import Request

from inspection.errors import InspectionError
from inspection.store import StoreError
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.core.wording import Wording
from ui.live.station_client import Refused
from ui.security.users import Role

T = TypeVar("T")
_LETTERS = [
    "Noto Sans",
    "DejaVu Sans",
    "Arial",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
    "sans-serif",
]

_COLOURS = {
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
    "input_background_fill": "var(--field)",
    "input_border_color": "var(--edge)",
    "button_primary_background_fill": "var(--accent)",
    "button_primary_text_color": "var(--on-accent)",
    "button_secondary_background_fill": "var(--raised)",
    "button_secondary_border_color": "var(--edge)",
    "button_secondary_text_color": "var(--ink)",
    "color_accent_soft": "var(--line)",
    "link_text_color": "var(--accent)",
    "table_text_color": "var(--ink)",
    "table_even_background_fill": "var(--panel)",
    "table_odd_background_fill": "var(--field)",
    "border_color_accent": "var(--accent)",
    "border_color_accent_subdued": "var(--line)",
    "color_accent": "var(--accent)",
    "panel_background_fill": "var(--panel)",
    "panel_border_color": "var(--line)",
    "code_background_fill": "var(--field)",
    "input_background_fill_focus": "var(--field)",
    "input_background_fill_hover": "var(--field)",
    "input_border_color_focus": "var(--accent)",
    "input_border_color_hover": "var(--accent)",
    "input_border_width": "1px",
    "input_placeholder_color": "var(--dim)",
    "button_primary_background_fill_hover": "var(--accent-over)",
    "button_primary_border_color": "var(--accent)",
    "button_primary_border_color_hover": "var(--accent-over)",
    "button_primary_text_color_hover": "var(--on-accent)",
    "button_secondary_background_fill_hover": "var(--line)",
    "button_secondary_border_color_hover": "var(--accent)",
    "button_secondary_text_color_hover": "var(--ink)",
    "button_cancel_background_fill": "var(--fail-ground)",
    "button_cancel_background_fill_hover": "var(--fail-deep)",
    "button_cancel_text_color": "var(--on-deep)",
    "button_cancel_text_color_hover": "var(--on-deep)",
    "checkbox_background_color": "var(--field)",
    "checkbox_background_color_focus": "var(--field)",
    "checkbox_background_color_hover": "var(--field)",
    "checkbox_background_color_selected": "var(--accent)",
    "checkbox_border_color": "var(--edge)",
    "checkbox_border_color_selected": "var(--accent)",
    "checkbox_label_background_fill": "var(--field)",
    "checkbox_label_background_fill_hover": "var(--raised)",
    "checkbox_label_background_fill_selected": "var(--raised)",
    "checkbox_label_border_color": "var(--edge)",
    "checkbox_label_text_color": "var(--ink)",
    "checkbox_label_text_color_selected": "var(--ink)",
    "error_background_fill": "var(--panel)",
    "error_border_color": "var(--bad)",
    "error_text_color": "var(--bad)",
    "link_text_color_active": "var(--accent)",
    "link_text_color_hover": "var(--accent-over)",
    "link_text_color_visited": "var(--accent)",
    "loader_color": "var(--accent)",
    "slider_color": "var(--accent)",
    "stat_background_fill": "var(--line)",
    "table_border_color": "var(--line)",
    "table_row_focus": "var(--raised)",
}
# The variables are those of shared/colours.css, which know the theme; what Gradio calls dark is the same.
_KNOWN = inspect.signature(gr.themes.Base.set).parameters
THEME = gr.themes.Base(font=_LETTERS, font_mono=_LETTERS).set(
    **_COLOURS,
    **{f"{name}_dark": value for name, value in _COLOURS.items() if f"{name}_dark" in _KNOWN},
)


def panel_bar(name: str) -> None:
    """Put the line of links of all pages on top of a panel."""
    gr.HTML(
        value="",
        html_template='<div class="panel-bar"></div>',
        js_on_load=f"""
            import(location.origin + "/static/shared/bar.js").then(({{bar}}) =>
              element.querySelector(".panel-bar").append(bar("{name}")));
        """,
        elem_id=f"{name}-bar",
        apply_default_css=False,
    )


def request_of(event: gr.Request) -> Request:
    """The request behind an event: who asks, and in which language, are in its scope."""
    assert event.request is not None
    return event.request


@dataclass(frozen=True, slots=True)
class Asker:
    """A person who may ask, the request, and how things are written for them."""

    request: Request
    wording: Wording

    @property
    def name(self) -> str:
        """The person's name, as in the record."""
        return str(self.request.scope["user"].name)

    @property
    def language(self) -> str:
        """The language of the person's browser."""
        return self.wording.language

    def say(self, key: str, **values: object) -> str:
        """A text of the catalogue."""
        return self.wording.say(key, **values)


def asker(context: Context, event: gr.Request, role: Role) -> Asker:
    """Who asks, where the person's role lets them. Raises gr.Error.

    The gate asks the same at the path of the page; what a handler gives away does not hang on that alone.
    """
    request = request_of(event)
    user, language = request.scope["user"], request.scope["language"]
    wording = Wording(context.words, language, request.cookies.get("zone"))
    if user is None or not user.role.at_least(role):
        had = wording.say(f"login.role_{user.role}") if user else "–"
        text = wording.say(
            "login.refused_role",
            name=user.name if user else "–",
            role=had,
            needed=wording.say(f"login.role_{role}"),
        )
        raise gr.Error(text, duration=None, print_exception=False)
    return Asker(request, wording)


def file_button(text: Any, **more: Any) -> gr.Button:
    """A button whose link is a file: in a tab of its own, or the page's events break off as if it were left."""
    return gr.Button(text, link_target="_blank", **more)


def notice(
    elem_id: str, *, visible: bool = True, elem_classes: str = "", role: str = "status"
) -> gr.HTML:
    """One line or several that a handler tells; whatever they hold is shown as text.

    Not by the template: Gradio 6.31 evaluates `${…}` in what a template shows, `{{value}}` escaped or not.
    """
    return gr.HTML(
        value="",
        html_template=f'<div class="notice" role="{role}"></div>',
        js_on_load="""
            const tell = () => { element.querySelector(".notice").textContent = props.value ?? ""; };
            tell();
            watch("value", tell);
        """,
        apply_default_css=False,
        visible=visible,
        elem_id=elem_id,
        elem_classes=elem_classes,
    )


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table that is sorted by another value than the text it shows; None: by none, so it comes first."""

    by: float | str | None
    shown: str

    @property
    def sorted_by(self) -> float | str | None:
        """What the browser is given: a number without end is one that JSON has."""
        if not isinstance(self.by, float) or math.isfinite(self.by):
            return self.by
        return None if math.isnan(self.by) else math.copysign(sys.float_info.max, self.by)


def shown(cell: str | Cell) -> str:
    """The text of a cell."""
    return cell.shown if isinstance(cell, Cell) else cell


def table_value(
    headers: Sequence[str],
    rows: Sequence[Sequence[str | Cell]],
    styles: Mapping[int, str] | None = None,
) -> dict[str, Any]:
    """What a gr.Dataframe shows; `styles` are declarations of CSS for whole rows."""
    styled = [[(styles or {}).get(place, "")] * len(headers) for place in range(len(rows))]
    return {
        "headers": list(headers),
        "data": [
            [each.sorted_by if isinstance(each, Cell) else each for each in row] for row in rows
        ],
        "metadata": {
            "display_value": [[shown(each) for each in row] for row in rows],
            "styling": styled,
        },
    }


async def done(work: Callable[[], Awaitable[T]]) -> T:
    """Do something; what is refused is shown to the person as one line. Raises gr.Error."""
    try:
        return await work()
    except (Refuse, Refused, InspectionError, StoreError) as error:
        raise gr.Error(
            " ".join(str(error).split()), duration=None, print_exception=False
        ) from error


async def told(work: Callable[[], Awaitable[T]]) -> T | None:
    """Do something; what is refused is a warning to the person, and no field is marked for it."""
    try:
        return await done(work)
    except gr.Error as error:
        gr.Warning(error.message, duration=None)
        return None
