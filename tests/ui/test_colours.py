"""Every colour stands in one file, and what is read on what has a contrast of 4.5 : 1, light and dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ui.core.colours import Theme, colours_of

ROOT = Path(__file__).parents[2] / "ui"
COLOURS = ROOT / "static" / "shared" / "colours.css"
LITERAL = re.compile(
    r"""(?<![\w&/"'.(-])#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\b|["']#[0-9a-fA-F]{3,8}["']|\brgba?\(\s*\d"""
)
"""A colour as such: not #id of a selector, nor a colour that is reckoned."""
READ_ON = {
    "ink": ["back", "panel", "field", "raised", "line", "frozen"],
    "dim": ["back", "panel", "field", "raised"],
    "accent": ["back", "panel", "field"],
    "bad": ["back", "panel", "field"],
    "good": ["back", "panel", "field"],
    "warn": ["back", "panel", "field"],
    "look": ["back", "panel"],
    "now-ink": ["back", "panel"],
    "on-accent": ["accent", "accent-over"],
    "on-now": ["now"],
    "back": ["ink"],
    "on-bright": ["pass", "review", "cannot", "none", "over"],
    "on-deep": [
        "pass-ground", "fail-ground", "fail-deep", "silent", "silent-deep", "alert", "gone", "gone-deep", "picture",
    ],
    "on-waiting": ["waiting"],
    "on-picture": ["picture"],
    "silent-deep": ["over"],
}  # fmt: skip
"""Texts, and the grounds they stand on."""
SEEN_ON = {
    "panel": [
        "pass-line",
        "fail-line",
        "review-line",
        "cannot-line",
        "limit-line",
        "now",
        "edge",
        "dim",
    ],
    "picture": ["roi", "ignore", "zone", "over", "allowed", "painting"],
}
"""Lines and edges: 3 : 1 (WCAG 2.2, 1.4.11)."""

Rgb = tuple[float, float, float]


def variables() -> dict[str, tuple[str, str]]:
    """Of each variable its colour in the light theme and in the dark one."""
    found = {}
    for name, value in re.findall(r"--([\w-]+):\s*([^;]+);", COLOURS.read_text("utf-8")):
        both = re.fullmatch(r"light-dark\((#\w+), (#\w+)\)", value)
        found[name] = (both[1], both[2]) if both else (value, value)
    return found


def rgb(colour: str) -> Rgb:
    red, green, blue = bytes.fromhex(colour.lstrip("#")[:6])
    return red / 255, green / 255, blue / 255


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_texts_are_read_on_their_grounds(theme: int) -> None:
    colours = variables()
    short = {
        (text, ground): round(contrast(colours[text][theme], colours[ground][theme]), 2)
        for text, grounds in READ_ON.items()
        for ground in grounds
        if contrast(colours[text][theme], colours[ground][theme]) < 4.5
    }
    assert short == {}


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_lines_are_seen_on_their_grounds(theme: int) -> None:
    colours = variables()
    short = {
        (line, ground): round(contrast(colours[line][theme], colours[ground][theme]), 2)
        for ground, lines in SEEN_ON.items()
        for line in lines
        if contrast(colours[line][theme], colours[ground][theme]) < 3
    }
    assert short == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_charts_are_given_the_colours_of_the_theme(theme: Theme) -> None:
    place = ("light", "dark").index(theme)
    given = colours_of(theme)
    assert {name: given(name) for name in variables()} == {
        name: both[place] for name, both in variables().items()
    }


def test_no_colour_stands_anywhere_else() -> None:
    files = [path for kind in ("css", "js", "py") for path in ROOT.rglob(f"*.{kind}")]
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files
        if path != COLOURS
        for match in LITERAL.finditer(path.read_text("utf-8"))
    ]
    assert found == []


def test_every_colour_that_is_used_is_there_and_every_one_there_is_used() -> None:
    texts = [path.read_text("utf-8") for kind in ("css", "js", "py") for path in ROOT.rglob(f"*.{kind}")]  # fmt: skip
    used = {name for text in texts for name in re.findall(r"var\(--([\w-]+)\)", text)}
    used |= {name for text in texts for name in re.findall(r'\bcolour\("([\w-]+)"\)', text)}
    own = {name for text in texts for name in re.findall(r"--([\w-]+)\s*[:,\"]", text)}
    assert used - own == set()
    assert set(variables()) - used == set()
