"""What panels share: a notice shows whatever it is given as text, and what is not filled yet says so."""

from __future__ import annotations

import asyncio
import math
import re
import sys
import threading
from pathlib import Path

import gradio as gr
import pytest
from fastapi import FastAPI

import ui
from inspection.outside import Refused
from ui.core.panel import Cell, table_value
from ui.core.panel_calls import SESSIONS, PanelBlocks, PanelCalls
from ui.core.wording import Wording
from ui.pages.admin.figures import Figures, as_text
from ui.words import Words

TEMPLATE = re.compile(r"html_template=f?(\"\"\".*?\"\"\"|'.*?'|\".*?\")", re.DOTALL)


def test_no_template_of_a_panel_shows_a_value_that_may_be_a_text() -> None:
    """Gradio 6.31 runs `${…}` that stands in such a value, escaped or not."""
    found = {
        path.name: template
        for path in Path(ui.__file__).parent.rglob("*.py")
        for template in TEMPLATE.findall(path.read_text("utf-8"))
    }
    assert {"panel.py", "gradio_page.py"} <= set(found)
    assert [each for each in found.values() if "{{value}}" in each or "${" in each] == []


def test_what_a_page_is_first_filled_with_shows_that_it_is_loading() -> None:
    async def shown() -> list[str]:
        with PanelBlocks(analytics_enabled=False) as blocks:
            field, button = gr.Textbox(), gr.Button()
            filled = gr.on(fn=lambda: "", outputs=field, show_progress="hidden")
            filled.then(lambda: "", None, field, show_progress="hidden")
            gr.on(button.click, lambda: "", None, field, show_progress="hidden")
        blocks.show_filling()
        return [each.show_progress for each in blocks.fns.values()]

    assert asyncio.run(shown()) == ["full", "full", "hidden"]  # Gradio wants a loop at work


def test_forms_are_drawn_in_turn() -> None:
    """Gradio 6.31 draws them in threads that change what others read; then a form never came."""
    threads = []

    async def drawn() -> list[str]:
        with PanelBlocks(analytics_enabled=False) as blocks:
            kind = gr.Dropdown(["a", "b"], value="a")

            def form(chosen: str) -> None:
                threads.append((chosen, threading.get_ident()))
                gr.Textbox(chosen)

            gr.render(inputs=kind)(form)
        blocks.draw_in_turn()
        gr.mount_gradio_app(FastAPI(), blocks, path="/panel")
        (draw,) = (each for each in blocks.fns.values() if each.renderable)
        output = await blocks.process_api(draw, ["b"], state=blocks.state_holder["tab"])
        return [each["type"] for each in output["render_config"]["components"]]

    assert "textbox" in asyncio.run(drawn())
    assert threads == [("b", threading.get_ident())]


def test_a_page_without_events_refuses_each_in_one_line() -> None:
    async def asked() -> None:
        with PanelBlocks(analytics_enabled=False) as blocks:
            gr.HTML("")
        call = {"session_hash": "tab", "fn_index": 3, "data": []}
        PanelCalls(FastAPI(), blocks=blocks)._check_call(call)

    with pytest.raises(Refused, match="fn_index 3: this panel has none"):
        asyncio.run(asked())


def test_a_table_shows_texts_and_is_sorted_by_values() -> None:
    rows = [["b", Cell(1.79, "1.79")], ["a", Cell(None, "–")], ["c", Cell(math.inf, "∞")]]
    found = table_value(["name", "score"], rows, {1: "color: red"})
    assert found["data"] == [["b", 1.79], ["a", None], ["c", sys.float_info.max]]
    assert found["metadata"]["display_value"] == [["b", "1.79"], ["a", "–"], ["c", "∞"]]
    assert found["metadata"]["styling"] == [["", ""], ["color: red"] * 2, ["", ""]]
    assert Cell(math.nan, "–").sorted_by is None


def test_waiting_answers_of_outputs_are_sorted_as_numbers_and_copied_as_text() -> None:
    status = {"outbox": {"mqtt": 1200, "files": 9}, "outputs": {}}
    section = Figures({"status": status}, Wording(Words(), "en"))._outputs()
    found = table_value(section.head, [row.cells for row in section.rows])
    assert [row[1] for row in found["data"]] == [9, 1200]
    assert [row[1] for row in found["metadata"]["display_value"]] == ["9", "1,200"]
    assert "mqtt\t1,200\t" in as_text({"outputs": section}, "now")


def test_a_panel_forgets_the_tabs_used_longest_ago() -> None:
    async def kept() -> list[str]:
        with PanelBlocks(analytics_enabled=False) as blocks:
            gr.Textbox()
        gr.mount_gradio_app(FastAPI(), blocks, path="/panel")
        for tab in range(SESSIONS):
            assert blocks.state_holder[f"tab {tab}"]
        assert blocks.state_holder["tab 0"]  # used again
        for tab in range(2):
            assert blocks.state_holder[f"late {tab}"]
        return list(blocks.state_holder.session_data)

    found = asyncio.run(kept())
    assert len(found) == SESSIONS
    assert {"tab 1", "tab 2"}.isdisjoint(found)
    assert found[-3:] == ["tab 0", "late 0", "late 1"]
