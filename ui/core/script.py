"""What Gradio cannot do, by a script of our own in one component of a panel: drawing, live pictures, a fast slider."""

from __future__ import annotations

import gradio as gr


def script(page: str, name: str) -> gr.HTML:
    """Run `start(place, of, watch, tell)` of `/static/PAGE/NAME.js`.

    `of()` is the value, `watch(hear)` calls when it changes, `tell(event, data)` is an event of the component.
    """
    return gr.HTML(
        value={},
        html_template=f'<link rel="stylesheet" href="/static/{page}/page.css"><div class="{page} {name}"></div>',
        js_on_load=f"""
            import(location.origin + "/static/{page}/{name}.js").then((script) => script.start(
              element.querySelector(".{name}"), () => props.value ?? {{}}, (hear) => watch("value", hear), trigger));
        """,
        apply_default_css=False,
        elem_id=f"script-{name}",
    )
