"""Fonts of a PDF: embedded ones for European letters, the readers' own for Japanese and Korean ones.

Adobe's standard fonts of these languages are named and not embedded: a file stays small, and every
reader brings them or puts its own in their place (PDF 32000-1:2008, 9.7.5.2).
"""

from __future__ import annotations

from functools import cache
from html import escape
from itertools import groupby

PLAIN, BOLD = "Vera", "VeraBd"
JAPANESE, KOREAN = "HeiseiKakuGo-W5", "HYGothic-Medium"


@cache
def _european() -> frozenset[int]:
    """Register all fonts; give the letters that the embedded ones have."""
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    plain = TTFont(PLAIN, "Vera.ttf")
    registerFont(plain)
    registerFont(TTFont(BOLD, "VeraBd.ttf"))
    for name in (JAPANESE, KOREAN):
        registerFont(UnicodeCIDFont(name))
    return frozenset(plain.face.charToGlyph)


def font_of(text: str, *, bold: bool = False) -> str:
    """The font that has all letters of a text, as far as there is one."""
    if all(ord(each) in _european() for each in text):
        return BOLD if bold else PLAIN
    return KOREAN if any(map(_is_korean, text)) else JAPANESE


def marked_up(text: str, *, bold: bool = False) -> str:
    """A text as the markup of a paragraph, each run of letters in a font that has them."""
    runs = groupby(text, key=lambda each: font_of(each, bold=bold))
    return "".join(f'<font name="{font}">{escape("".join(run))}</font>' for font, run in runs)


def _is_korean(letter: str) -> bool:
    return (
        "\u1100" <= letter <= "\u11ff"
        or "\u3130" <= letter <= "\u318f"
        or "\uac00" <= letter <= "\ud7ff"
    )
