"""The picture of a part with its heat and the places found, laid over each other by the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from inspection.judgement import Region
from inspection.store import PartRecord
from ui.core.outline import kind_of, points_of

_TEMPLATE = """
{{#if value.part_id}}<div class="part-look">
  <img src="/pictures/{{value.part_id}}/screen" alt="{{value.name}}">
  {{#if value.heat}}<img class="heat" src="/pictures/{{value.part_id}}/heat" alt="{{value.no_heat}}">{{/if}}
  <svg viewBox="0 0 {{value.width}} {{value.height}}">{{#each value.regions}}<polygon class="{{this.kind}}"
    points="{{this.points}}" stroke-width="{{this.line}}"></polygon>{{/each}}</svg>
</div>{{/if}}
"""
_STYLE = """
.part-look { position: relative; height: min(56vh, 620px); background: var(--picture); border-radius: 6px;
  overflow: hidden; }
.part-look > * { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; margin: 0;
  color: var(--on-picture); }
.part-look polygon { fill: none; stroke: var(--fail); }
.part-look polygon.REVIEW { stroke: var(--review); }
.part-look polygon.accepted { stroke: var(--allowed); stroke-dasharray: 8 6; }
"""
SHARE = 250
"""A line is a 250th of the picture's width."""


def part_look() -> gr.HTML:
    """Where a part's picture is shown."""
    return gr.HTML(
        value={}, html_template=_TEMPLATE, css_template=_STYLE, apply_default_css=False, elem_id="look"
    )  # fmt: skip


def look_of(
    record: PartRecord, path: Path | None, *, heat: bool, outlines: bool, name: str, no_heat: str
) -> dict[str, Any]:
    """What is shown of a part; nothing where its picture is gone."""
    size = _size(path)
    if size is None:
        return {}
    return {
        "part_id": record.part_id,
        "width": size[0],
        "height": size[1],
        "heat": heat,
        "name": name,
        "no_heat": no_heat,
        "regions": [_outline(each, record, size[0]) for each in record.regions] if outlines else [],
    }


def _outline(region: Region, record: PartRecord, width_px: int) -> dict[str, Any]:
    return {
        "points": points_of(region),
        "kind": kind_of(region, record),
        "line": max(2, round(width_px / SHARE)),
    }  # fmt: skip


def _size(path: Path | None) -> tuple[int, int] | None:
    """Width and height of a picture, from its first bytes."""
    if path is None or not path.is_file():
        return None
    try:
        with Image.open(path) as picture:
            return picture.size
    except (OSError, ValueError):
        return None
