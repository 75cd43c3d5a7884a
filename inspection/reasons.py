"""Why a part got its verdict: a code with its values, and one table that makes its sentence.

The record, the outputs and the page carry the code and the values. The English sentence is made
here; in another language the page says it by the text `reasons.KEY` of its catalogue, and what to do
next by `operator.do_WHAT`. Nothing reads a sentence back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspection.judgement import Region

Value = str | float | int
DIGITS, MOST_DIGITS = 3, 9


@dataclass(frozen=True, slots=True)
class Reason:
    """A code of the table with the values its sentence needs.

    `view` is the camera's view it is about, where several look. `recorded` is the sentence as a
    record has it; what is recorded is shown as it was written. Raises ValueError for an unknown code
    and for missing values.
    """

    code: str
    values: Mapping[str, Value] = field(default_factory=dict)
    view: str | None = field(default=None, kw_only=True)
    recorded: str | None = field(default=None, kw_only=True, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))
        if self.key not in WORDINGS:
            raise ValueError(f"Reason.code: expected a code of the table, got {self.code!r}")
        if missing := WORDINGS[self.key].names - set(self.values):
            raise ValueError(
                f"Reason.values: {self.code} needs {', '.join(sorted(missing))}, "
                f"got {', '.join(sorted(self.values)) or 'none'}"
            )

    @property
    def key(self) -> str:
        """The key of its wording: the code, and the case its values make where there are several."""
        return self.code + "".join(case(self.values) for case in _CASES.get(self.code, ()))

    @property
    def sentence(self) -> str:
        """One English sentence for a person."""
        if self.recorded is not None:
            return self.recorded
        written = written_apart(self.values) if "score" in self.values else {}
        text = WORDINGS[self.key].sentence.format_map({**self.values, **written})
        return text if self.view is None else f"{self.view}: {text}"

    def as_values(self) -> dict[str, Value]:
        """The values, with the view among them where there is one; as the record keeps them."""
        return {**self.values, **({} if self.view is None else {"view": self.view})}

    def as_message(self) -> dict[str, Any]:
        """What a page needs to say it: `key` of the words, `do` of what to do, and the values."""
        return {
            "code": self.code,
            "key": self.key,
            "do": WORDINGS[self.key].do,
            "values": dict(self.values),
            "view": self.view,
        }


@dataclass(frozen=True, slots=True)
class Wording:
    """The English sentence of a code, or of one of its cases, and what to do about it."""

    do: str
    sentence: str

    @property
    def names(self) -> frozenset[str]:
        """The values the sentence needs."""
        return frozenset(name for _, name, _, _ in Formatter().parse(self.sentence) if name)


def written_apart(values: Mapping[str, Value]) -> dict[str, Value]:
    """The values as a person reads them: numbers by three digits that count.

    A score and its limit by as many more as tell them apart: 4.347 is above 4.345, not 4.35 above 4.35.
    """
    score, limit = values.get("score"), values.get("limit")
    digits = DIGITS
    if isinstance(score, float) and isinstance(limit, float) and score != limit:
        while digits < MOST_DIGITS and f"{score:.{digits}g}" == f"{limit:.{digits}g}":
            digits += 1
    counted = dict.fromkeys(("score", "limit"), digits)
    return {
        name: f"{value:.{counted.get(name, DIGITS)}g}" if isinstance(value, float) else value
        for name, value in values.items()
    }


def about_px(area_px: float) -> int:
    """An area as people say it: two digits that count, as its edge is known no better."""
    return int(float(f"{area_px:.2g}"))


def about_mm2(area_mm2: float) -> float | int:
    """The same in mm²: one digit that counts below 1 mm², two above."""
    said = float(f"{area_mm2:.1g}" if area_mm2 < 1 else f"{area_mm2:.2g}")
    return int(said) if said >= 10 else said


def accepted_or_at_fault(verdict: str, regions: Sequence[Region], limit: float) -> Reason:
    """The reason of a part whose score is above the limit; `regions` the worst first, at least one.

    `verdict` is PASS (all is within what the zones allow), FAIL or REVIEW.
    """
    if verdict == "PASS":
        return Reason("accepted", {"count": len(regions)})
    worst, *others = (region for region in regions if not region.accepted)
    values: dict[str, Value] = {
        "count": 1 + len(others),
        "size": about_px(worst.area_px) if worst.area_mm2 is None else about_mm2(worst.area_mm2),
        "unit": "px" if worst.area_mm2 is None else "mm²",
        "score": worst.peak_score,
        "limit": limit,
    }
    if worst.zone:
        values["zone"] = worst.zone
    return Reason("at_fault" if verdict == "FAIL" else "just_above", values)


def _count(values: Mapping[str, Value]) -> str:
    count = values.get("count")
    return "_one" if count == 1 else "_many" if count else "_none"


def _zone(values: Mapping[str, Value]) -> str:
    return "_zone" if "zone" in values else ""


def _type(values: Mapping[str, Value]) -> str:
    return "_type" if "type" in values else ""


def _range(values: Mapping[str, Value]) -> str:
    return "_range" if values.get("low") != values.get("high") else ""


_CASES: Mapping[str, tuple[Callable[[Mapping[str, Value]], str], ...]] = {
    "accepted": (_count,),
    "at_fault": (_count, _zone),
    "just_above": (_count, _zone),
    "known_defect": (_type,),
    "wrong_size": (_range,),
}
"""Codes whose wording depends on their values."""

_LEAST = "{value:.4g}, at least {limit:.4g} wanted"
_MOST = "{value:.4g}, at most {limit:.4g} allowed"
_ONE, _MANY = "1 place at fault, the worst", "{count} places at fault, the worst"
_ZONE, _SIZE = " in zone {zone}", " of about {size} {unit}: "
_OVER = "score {score}, limit {limit}"
_LIKE = "likeness {score}, limit {limit}; a person should look"
_JUST = "score {score} is above the PASS limit {limit}, not the FAIL limit; a person should look"

WORDINGS: Mapping[str, Wording] = {
    # The part was judged.
    "nothing_unusual": Wording("pass", f"nothing unusual: {_OVER}"),
    "accepted_one": Wording("pass", "1 place within what the zone allows"),
    "accepted_many": Wording("pass", "{count} places within what the zone allows"),
    "at_fault_none": Wording("fail", _OVER),
    "at_fault_one": Wording("fail", f"{_ONE}{_SIZE}{_OVER}"),
    "at_fault_one_zone": Wording("fail", f"{_ONE}{_ZONE}{_SIZE}{_OVER}"),
    "at_fault_many": Wording("fail", f"{_MANY}{_SIZE}{_OVER}"),
    "at_fault_many_zone": Wording("fail", f"{_MANY}{_ZONE}{_SIZE}{_OVER}"),
    "just_above_none": Wording("review", _JUST),
    "just_above_one": Wording("review", f"{_ONE}{_SIZE}{_JUST}"),
    "just_above_one_zone": Wording("review", f"{_ONE}{_ZONE}{_SIZE}{_JUST}"),
    "just_above_many": Wording("review", f"{_MANY}{_SIZE}{_JUST}"),
    "just_above_many_zone": Wording("review", f"{_MANY}{_ZONE}{_SIZE}{_JUST}"),
    "known_defect": Wording("review", f"looks like a known defect{_SIZE}{_LIKE}"),
    "known_defect_type": Wording("review", f"looks like {{type}}, a known defect{_SIZE}{_LIKE}"),
    # The picture cannot be judged.
    "too_dark": Wording("light", f"too dark: brightness {_LEAST}"),
    "too_bright": Wording("light", f"too bright: brightness {_MOST}"),
    "too_flat": Wording(
        "view",
        f"too flat: no part in view, lens covered or far out of focus: contrast {_LEAST}",
    ),
    "too_much_contrast": Wording("light", f"too much contrast: contrast {_MOST}"),
    "blurred": Wording("focus", f"blurred: sharpness {_LEAST}"),
    "too_sharp": Wording("focus", f"sharper or noisier than the good parts: sharpness {_MOST}"),
    "over_exposed": Wording("light", f"over-exposed: saturated_share {_MOST}"),
    "colours_missing": Wording("light", f"colours missing: colour {_LEAST}"),
    "colours_too_strong": Wording("light", f"colours too strong: colour {_MOST}"),
    "other_part": Wording(
        "place",
        "no part or a different part in view: "
        "likeness to the reference {value:.2f}, at least {limit:.2g} wanted",
    ),
    "unlike_good_parts": Wording(
        "place", f"no part or a different part in view: strangeness {_MOST}"
    ),
    "out_of_place": Wording(
        "place", "part out of place: shifted {value:.0f} px, {limit:g} allowed"
    ),
    "turned": Wording("place", "part turned: {value:.1f} degrees, {limit:.1f} allowed"),
    "partly_out_of_view": Wording(
        "place",
        "part partly out of view: {percent}% of what is to be inspected lies outside the picture",
    ),
    "nothing_to_inspect": Wording(
        "engineer", "nothing to inspect: the region of interest is empty in this picture"
    ),
    "wrong_size": Wording("engineer", "wrong size: {side} {value} px, {low} px wanted"),
    "wrong_size_range": Wording(
        "engineer", "wrong size: {side} {value} px, {low} to {high} px wanted"
    ),
    "broken_picture": Wording("camera", "{status} picture from camera {camera}"),
    "frozen": Wording("camera", "frozen camera: the picture is identical to the one before it"),
    "unreadable": Wording("engineer", "{error}"),
    "no_template": Wording("engineer", "no template to compare this picture with"),
    "no_template_code": Wording("view", "no code in the picture names its template"),
    "no_template_for_code": Wording(
        "engineer", "the code names the template {code!r}: there is none in folder {folder!r}"
    ),
    "template_unreadable": Wording("engineer", "its template cannot be read: {error}"),
    # There is no picture.
    "picture_late": Wording("again", "no picture in time: {error}"),
    "no_picture": Wording("camera", "no picture: {error}"),
    "picture_lost": Wording("camera", "the camera lost this part's picture"),
    "out_of_step": Wording("again", "its picture was dropped: the camera had got out of step"),
    "end_of_pictures": Wording("engineer", "{error}"),
    "late_picture": Wording("again", "late: the deadline passed before the picture was taken"),
    # The part cannot be judged now, or not by this recipe.
    "busy": Wording("slower", "station busy: {count} parts are waiting"),
    "paused": Wording("resume", "the station is paused"),
    "test_result": Wording("pass", "a test by {who}, of no part"),
    "no_recipe": Wording("engineer", "product {product!r}: no recipe for it; allowed: {allowed}"),
    "no_recipe_yet": Wording("teach", "product {product!r}: there is no recipe yet"),
    "product_archived": Wording("engineer", "product {product!r}: is archived"),
    "recipe_not_released": Wording(
        "confirm",
        "the recipe {recipe} is not the one last released, {released}: nobody confirmed it",
    ),
    "recipe_never_released": Wording(
        "confirm", "the recipe {recipe} was never released: nobody confirmed it"
    ),
    "no_code": Wording("view", "no code in the picture names the product"),
    "no_recipe_for_code": Wording(
        "engineer",
        "the code names the product {product!r}: no recipe for it; allowed: {allowed}",
    ),
    "code_contradicts": Wording(
        "place", "the code names the product {product!r}, the trigger {trigger!r}"
    ),
    # Verdict or record came too late.
    "late": Wording("again", "late: no verdict within the {value:.0f} ms allowed"),
    "record_waits": Wording("record", "late: not recorded within the {value:.0f} ms allowed"),
    "late_record": Wording(
        "record", "recorded {value:.0f} ms after the deadline: the line was told to reject"
    ),
    "not_recorded": Wording("record", "not recorded in time: {error}"),
    "told_reject": Wording("record", "the line was told to reject before this was recorded"),
    "refused": Wording("record", "refused: the record was out of reach"),
    # The station itself.
    "restarted": Wording("again", "the station was restarted before this part was judged"),
    "stopped": Wording("engineer", "the station stopped: {error}"),
    "own_fault": Wording("engineer", "unexpected {error}"),
    # A sentence of a record made before there were codes, that nobody foresaw.
    "other": Wording("engineer", "{text}"),
}
"""Of each code, or of each case of it: the sentence, and `do`, the end of a key `operator.do_…`."""

JUDGED = frozenset({"nothing_unusual", "accepted", "at_fault", "just_above", "known_defect"})
"""Codes of parts that were judged; all others are CANNOT_INSPECT."""

OUTSIDE_YIELD = frozenset({"no_recipe", "no_recipe_yet", "no_recipe_for_code", "paused"})
"""Codes of parts nobody could or would inspect: there was no recipe, or a pause. No yield is of them."""

CODES = frozenset(next((code for code in _CASES if key.startswith(code)), key) for key in WORDINGS)
