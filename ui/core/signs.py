"""A sign for each verdict and state, of a shape of its own: told apart without colour."""

from __future__ import annotations

from ui.core.html import Html, tag

ROUND, TRIANGLE = "M50 4a46 46 0 1 1 0 92a46 46 0 1 1 0-92z", "M50 5l47 88h-94z"
SHAPES = {
    "PASS": (ROUND, "M26 52l17 18l32-38"),
    "FAIL": ("M32 4h36l28 28v36l-28 28h-36l-28-28v-36z", "M31 31l38 38M69 31l-38 38"),
    "REVIEW": (TRIANGLE, "M50 36v28M50 78v2"),
    "CANNOT_INSPECT": ("M5 5h90v90h-90z", "M20 50q30-34 60 0q-30 34-60 0zM50 46v8M20 84l60-68"),
    "NO_SIGNAL": ("M50 4l46 46l-46 46l-46-46z", "M24 50h14M62 50h14M42 32l16 36"),
    "WAITING": ("M22 5h56v16l-20 29l20 29v16h-56v-16l20-29l-20-29z", "M42 50h16M36 84h28"),
    "TROUBLE": (TRIANGLE, "M50 36v28M50 78v2"),
    "PAUSED": (ROUND, "M38 30v40M62 30v40"),
}
"""The outside, drawn thin, and the inside."""


def symbols() -> Html:
    """The drawings that all signs on a page refer to, as `#sign-PASS`."""
    return tag(
        "svg",
        *(
            tag(
                "symbol", _line(outside, "7"), _line(inside, "12"),
                id=f"sign-{name}", viewBox="0 0 100 100",
            )
            for name, (outside, inside) in SHAPES.items()
        ),
        width="0", height="0", aria_hidden="true", style="position:absolute",
    )  # fmt: skip


def _line(path: str, width: str) -> Html:
    return tag(
        "path", d=path, fill="none", stroke="currentColor", stroke_width=width,
        stroke_linecap="round", stroke_linejoin="round",
    )  # fmt: skip
