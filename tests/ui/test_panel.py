"""What panels share: a notice shows whatever it is given as text."""

from __future__ import annotations

import re
from pathlib import Path

import ui

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
