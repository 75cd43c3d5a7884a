"""Latin letters drawn into pictures, at a height that can be read."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

FONT = cv2.FONT_HERSHEY_SIMPLEX
FONT_CAPITALS_PX = 21
"""Height of the font's capitals at scale 1, without the stroke."""
SMALLEST_PX = 13
"""No text has capitals lower than this."""
LINE = 1.7
"""Heights of a capital from one line to the next."""


def capitals_px(width_px: int) -> int:
    """How high the capitals of a sentence are on a picture of this width."""
    return max(SMALLEST_PX, width_px // 60)


def line_px(capitals: int) -> int:
    """How high a line of such capitals is."""
    return round(LINE * capitals)


def width_px(text: str, capitals: int) -> int:
    """How wide a line becomes."""
    size, _ = cv2.getTextSize(plain(text), FONT, _scale(capitals), _stroke(capitals))
    return int(size[0])


def wrapped(text: str, capitals: int, room_px: int) -> list[str]:
    """Break a sentence into lines that fit; a word without end is broken, too."""
    lines = [""]
    for word in plain(text).split():
        longer = f"{lines[-1]} {word}".strip()
        if width_px(longer, capitals) <= room_px:
            lines[-1] = longer
            continue
        *full, rest = _pieces(word, capitals, room_px)
        lines += [*full, rest]
    return [line for line in lines if line] or [""]


def write(picture: Image, text: str, *, top_px: int, capitals: int, ink: tuple[int, ...]) -> None:
    """Write one line into a picture (H, W, 3), in its middle."""
    x = (picture.shape[1] - width_px(text, capitals)) // 2
    y = top_px + (line_px(capitals) + capitals) // 2
    stroke = _stroke(capitals)
    cv2.putText(picture, plain(text), (x, y), FONT, _scale(capitals), ink, stroke, cv2.LINE_AA)


def plain(text: str) -> str:
    """The text in the letters the font has."""
    return text.replace("²", "2").encode("ascii", "replace").decode()


def _pieces(word: str, capitals: int, room_px: int) -> list[str]:
    pieces = [""]
    for letter in word:
        if pieces[-1] and width_px(pieces[-1] + letter, capitals) > room_px:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _scale(capitals: int) -> float:
    return capitals / FONT_CAPITALS_PX


def _stroke(capitals: int) -> int:
    return max(1, round(capitals / 14))
