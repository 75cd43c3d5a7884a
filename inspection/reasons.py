"""What the station says a part could not be inspected for, found again in its line of English.

The record keeps one line for each part. A person reads it in their own language: the first pattern
that fits gives the text `reasons.KEY` of the catalogue with the numbers of the line, and what to do
next, `operator.do_WHAT`. The page in the browser uses the same patterns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

WORDS = {
    "brightness": ("too dark", "too bright"),
    "contrast": (
        "too flat: no part in view, lens covered or far out of focus",
        "too much contrast",
    ),
    "sharpness": ("blurred", "sharper or noisier than the good parts"),
    "saturated_share": ("", "over-exposed"),
    "colour": ("colours missing", "colours too strong"),
    "alignment": ("no part or a different part in view", ""),
    "strangeness": ("", "no part or a different part in view"),
}
"""What a number below or above its limits means. Units: grey levels 0..255, shares 0..1."""

_NUMBERS = {
    "least": r"(?P<value>\S+), at least (?P<limit>\S+) wanted",
    "most": r"(?P<value>\S+), at most (?P<limit>\S+) allowed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing the station may say: key of its text, what to do about it, how the line looks."""

    key: str
    do: str
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A line that was recognised; `view` is the camera's view it is about, where several look."""

    key: str
    do: str
    values: Mapping[str, str]
    view: str | None = None


def _measured(key: str, do: str, name: str, word: Literal["least", "most"]) -> Reason:
    said = WORDS[name][word == "most"]
    return Reason(key=key, do=do, pattern=rf"{said}: {name} {_NUMBERS[word]}")


REASONS = (
    _measured("too_dark", "light", "brightness", "least"),
    _measured("too_bright", "light", "brightness", "most"),
    _measured("too_flat", "view", "contrast", "least"),
    _measured("too_much_contrast", "light", "contrast", "most"),
    _measured("blurred", "focus", "sharpness", "least"),
    _measured("too_sharp", "focus", "sharpness", "most"),
    _measured("over_exposed", "light", "saturated_share", "most"),
    _measured("colours_missing", "light", "colour", "least"),
    _measured("colours_too_strong", "light", "colour", "most"),
    _measured("other_part", "place", "alignment", "least"),
    _measured("other_part", "place", "strangeness", "most"),
    Reason(
        key="other_part",
        do="place",
        pattern=r"no part or a different part in view: likeness to the reference "
        r"(?P<value>\S+), at least (?P<limit>\S+) wanted",
    ),
    Reason(
        key="out_of_place",
        do="place",
        pattern=r"part out of place: shifted (?P<value>\S+) px, (?P<limit>\S+) allowed",
    ),
    Reason(
        key="turned",
        do="place",
        pattern=r"part turned: (?P<value>\S+) degrees, (?P<limit>\S+) allowed",
    ),
    Reason(
        key="partly_out_of_view",
        do="place",
        pattern=r"part partly out of view: (?P<value>\S+) of .+",
    ),
    Reason(key="nothing_to_inspect", do="engineer", pattern=r"nothing to inspect: .+"),
    Reason(
        key="wrong_size",
        do="engineer",
        pattern=r"wrong size: (?:height|width) (?P<value>\S+) px, (?P<limit>.+) px wanted",
    ),
    Reason(
        key="broken_picture",
        do="camera",
        pattern=r"\S+ picture from camera (?P<camera>.+)",
    ),
    Reason(key="frozen", do="camera", pattern=r"frozen camera: .+"),
    Reason(key="picture_late", do="again", pattern=r"no picture in time: .+"),
    Reason(key="no_picture", do="camera", pattern=r"no picture: .+"),
    Reason(
        key="no_picture",
        do="camera",
        pattern=r"view .+: the driver of camera .+ does not return",
    ),
    Reason(key="picture_lost", do="camera", pattern=r"the camera lost this part's picture"),
    Reason(key="out_of_step", do="again", pattern=r"its picture was dropped: .+"),
    Reason(
        key="end_of_pictures",
        do="engineer",
        pattern=r".+: all \d+ (?:parts are made|pictures are read)",
    ),
    Reason(key="unreadable", do="engineer", pattern=r"picture \S.* (?:is|cannot|has|holds) .+"),
    Reason(key="busy", do="slower", pattern=r"station busy: (?P<count>\S+) parts are waiting"),
    Reason(
        key="no_recipe",
        do="engineer",
        pattern=r"product (?P<product>.+): no recipe for it; allowed: .+",
    ),
    Reason(key="paused", do="resume", pattern=r"the station is paused"),
    Reason(
        key="late", do="again", pattern=r"late: no verdict within the (?P<value>\S+) ms allowed"
    ),
    Reason(
        key="late_record",
        do="record",
        pattern=r"late: not recorded within the (?P<value>\S+) ms allowed",
    ),
    Reason(key="late_picture", do="again", pattern=r"late: the deadline passed before .+"),
    Reason(
        key="late_record",
        do="record",
        pattern=r"recorded (?P<value>\S+) ms after the deadline: .+",
    ),
    Reason(key="not_recorded", do="record", pattern=r"not recorded in time: .+"),
    Reason(key="told_reject", do="record", pattern=r"the line was told to reject before .+"),
    Reason(key="refused", do="record", pattern=r"refused: the record (?:is|was) out of reach"),
    Reason(key="restarted", do="again", pattern=r"the station was restarted before .+"),
    Reason(key="stopped", do="engineer", pattern=r"the station stopped: .+"),
    Reason(key="own_fault", do="engineer", pattern=r"unexpected \w+: .*"),
)
_COMPILED = tuple((reason, re.compile(reason.pattern, re.DOTALL)) for reason in REASONS)


def recognise(text: str) -> Found | None:
    """Find the reason in a line; None for one that no pattern fits."""
    view, _, rest = text.partition(": ")
    for said, where in ((text, None), (rest, view)):
        for reason, pattern in _COMPILED:
            fit = pattern.fullmatch(said)
            if fit:
                return Found(key=reason.key, do=reason.do, values=fit.groupdict(), view=where)
    return None


def for_browser() -> list[dict[str, str]]:
    """Give the patterns as JavaScript writes them."""
    return [
        {
            "key": reason.key,
            "do": reason.do,
            "pattern": "^" + reason.pattern.replace("(?P<", "(?<") + "$",
        }
        for reason in REASONS
    ]
