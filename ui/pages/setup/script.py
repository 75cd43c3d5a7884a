"""What Gradio cannot do, by scripts of our own in one component: the live picture, and drawing."""

from __future__ import annotations

import gradio as gr


def script(name: str) -> gr.HTML:
    """Run `start(place, of, watch)` of `/static/setup/NAME.js`: `of()` is the value, `watch` calls when it changes."""
    return gr.HTML(
        value={},
        html_template=f'<link rel="stylesheet" href="/static/setup/page.css"><div class="setup {name}"></div>',
        js_on_load=f"""
            import(location.origin + "/static/setup/{name}.js").then((script) => script.start(
              element.querySelector(".{name}"), () => props.value ?? {{}}, (hear) => watch("value", hear)));
        """,
        apply_default_css=False,
        elem_id=f"script-{name}",
    )
