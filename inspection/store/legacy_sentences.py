"""Reading rows of before: what parts were recorded with when the record kept English sentences only.

Nothing that is recorded today comes here: it has a code with its values. A line of before is found
again by the first pattern that fits; behind the name of a view, the rest of it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from inspection.judgement import Region
from inspection.reasons import Reason, accepted_or_at_fault


def judged_reason(
    verdict: str, score: float, threshold: float, regions: Sequence[Region], sentence: str
) -> Reason:
    """Why a part that was judged got its verdict, from its numbers: the sentence holds no more."""
    cause = _judged(verdict, score, threshold, regions)
    return Reason(cause.code, cause.values, recorded=sentence)


def _judged(verdict: str, score: float, threshold: float, regions: Sequence[Region]) -> Reason:
    if verdict == "PASS" and not regions:
        return Reason("nothing_unusual", {"score": score, "limit": threshold})
    if verdict == "PASS" or any(not region.accepted for region in regions):
        return accepted_or_at_fault(verdict, regions, threshold)
    code = "at_fault" if verdict == "FAIL" else "just_above"
    return Reason(code, {"count": 0, "score": score, "limit": threshold})


def cannot_inspect_reason(sentence: str) -> Reason:
    """Why a part could not be inspected; the code `other` for a sentence that no pattern fits."""
    view, _, rest = sentence.partition(": ")
    for text, where in ((sentence, None), (rest, view)):
        for code, pattern in _PATTERNS:
            if fit := pattern.fullmatch(text):
                values = {name: _value(value) for name, value in fit.groupdict().items()}
                return Reason(code, values, view=where, recorded=sentence)
    return Reason("other", {"text": sentence}, recorded=sentence)


def _value(text: str) -> str | float | int:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _compiled() -> Iterator[tuple[str, re.Pattern[str]]]:
    least = r"(?P<value>\S+), at least (?P<limit>\S+) wanted"
    most = r"(?P<value>\S+), at most (?P<limit>\S+) allowed"
    other = "no part or a different part in view"
    flat = "too flat: no part in view, lens covered or far out of focus"
    for code, pattern in (
        ("too_dark", f"too dark: brightness {least}"),
        ("too_bright", f"too bright: brightness {most}"),
        ("too_flat", f"{flat}: contrast {least}"),
        ("too_much_contrast", f"too much contrast: contrast {most}"),
        ("blurred", f"blurred: sharpness {least}"),
        ("too_sharp", f"sharper or noisier than the good parts: sharpness {most}"),
        ("over_exposed", f"over-exposed: saturated_share {most}"),
        ("colours_missing", f"colours missing: colour {least}"),
        ("colours_too_strong", f"colours too strong: colour {most}"),
        ("other_part", f"{other}: (?:alignment|likeness to the reference) {least}"),
        ("unlike_good_parts", f"{other}: strangeness {most}"),
        ("out_of_place", r"part out of place: shifted (?P<value>\S+) px, (?P<limit>\S+) allowed"),
        ("turned", r"part turned: (?P<value>\S+) degrees, (?P<limit>\S+) allowed"),
        ("partly_out_of_view", r"part partly out of view: (?P<percent>\d+)% of .+"),
        ("nothing_to_inspect", r"nothing to inspect: .+"),
        ("wrong_size", r"wrong size: (?P<side>height|width) (?P<value>\d+) px, "
            r"(?P<low>(?P<high>\d+)) px wanted"),
        ("wrong_size", r"wrong size: (?P<side>height|width) (?P<value>\d+) px, "
            r"(?P<low>\d+) to (?P<high>\d+) px wanted"),
        ("broken_picture", r"(?P<status>\S+) picture from camera (?P<camera>.+)"),
        ("frozen", r"frozen camera: .+"),
        ("picture_late", r"no picture in time: (?P<error>.+)"),
        ("no_picture", r"no picture: (?P<error>.+)"),
        ("no_picture", r"(?P<error>view .+: the driver of camera .+ does not return)"),
        ("picture_lost", r"the camera lost this part's picture"),
        ("out_of_step", r"its picture was dropped: .+"),
        ("end_of_pictures", r"(?P<error>.+: all \d+ (?:parts are made|pictures are read))"),
        ("unreadable", r"(?P<error>picture \S.* (?:is|cannot|has|holds) .+)"),
        ("busy", r"station busy: (?P<count>\d+) parts are waiting"),
        ("no_recipe", r"product ['\"](?P<product>.+)['\"]: no recipe for it; allowed: (?P<allowed>.+)"),
        ("no_code", r"no code in the picture names the product"),
        ("no_recipe_for_code", r"the code names the product ['\"](?P<product>.+)['\"]: "
            r"no recipe for it; allowed: (?P<allowed>.+)"),
        ("code_contradicts", r"the code names the product ['\"](?P<product>.+)['\"], "
            r"the trigger ['\"](?P<trigger>.+)['\"]"),
        ("paused", r"the station is paused"),
        ("late", r"late: no verdict within the (?P<value>\S+) ms allowed"),
        ("record_waits", r"late: not recorded within the (?P<value>\S+) ms allowed"),
        ("late_picture", r"late: the deadline passed before .+"),
        ("late_record", r"recorded (?P<value>\S+) ms after the deadline: .+"),
        ("not_recorded", r"not recorded in time: (?P<error>.+)"),
        ("told_reject", r"the line was told to reject before .+"),
        ("refused", r"refused: the record (?:is|was) out of reach"),
        ("restarted", r"the station was restarted before .+"),
        ("stopped", r"the station stopped: (?P<error>.+)"),
        ("own_fault", r"unexpected (?P<error>\w+: .*)"),
    ):  # fmt: skip
        yield code, re.compile(pattern, re.DOTALL)


_PATTERNS = tuple(_compiled())
