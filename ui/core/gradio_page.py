"""A page drawn by our own JavaScript inside Gradio: `ui/static/NAME/page.js` with `start(element)`."""

from __future__ import annotations

from typing import Any

import gradio as gr


def gradio_page(name: str, *, value: Any = "", elem_id: str | None = None) -> gr.HTML:
    """Put the screen of `/static/NAME/page.js` and `/static/NAME/page.css` on a page.

    `start` also gets `of()`, which gives the value, and `watch`, which calls when it changes.
    """
    return gr.HTML(
        value=value,
        html_template=f'<link rel="stylesheet" href="/static/{name}/page.css"><div class="{name}"></div>',
        js_on_load=f"""
            import(location.origin + "/static/{name}/page.js")
              .then((page) => page.start(
                element.querySelector(".{name}"), () => props.value, (hear) => watch("value", hear)));
        """,
        elem_id=elem_id or name,
        apply_default_css=False,
    )
