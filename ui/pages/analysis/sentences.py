"""What is found of limits, in the words of a person's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ui.core.wording import Wording

Found = Mapping[str, Any]
ID = 8
"""So many letters of a recipe's number are shown."""


def note(found: Found, recipe_id: str, wording: Wording) -> str:
    """Which parts stand in the histogram."""
    if not found["parts"]:
        return ""
    first, last = (wording.moment(found[name], seconds=False) for name in ("first_at", "last_at"))
    count = wording.number(found["parts"])
    return wording.say("analysis.span", recipe=recipe_id[:ID], count=count, first=first, last=last)


def limit_lines(found: Found, wording: Wording) -> str:
    """What a PASS limit does to labelled parts, and what holds of good ones."""
    lines = [share(name, found[name], wording) for name in ("escapes", "overkill")]
    return "\n".join([*lines, *own_lines({**found, "own": found}, wording)])


def zone_lines(found: Found, wording: Wording) -> str:
    """What limits of zones do to labelled parts, beside what they are now, and how many parts they change."""
    lines = [
        f"{share(name, found[name], wording)} "
        + wording.say("analysis.zones_now", what=share(name, found[f"{name}_now"], wording))
        for name in ("escapes", "overkill")
    ]
    lines += [
        wording.say(f"analysis.{name}", count=wording.number(found[name]))
        for name in ("to_pass", "to_reject")
    ]
    if found["unknown"]:
        count = wording.number(found["unknown"])
        lines.append(wording.say("analysis.zones_unknown", count=count))
    return "\n".join(lines)


def share(name: str, found: Found, wording: Wording) -> str:
    """From `count` to `most` of `n` labelled parts, with the exact interval."""
    n, least, most = found["n"], found["count"], found["most"]
    if not n:
        return wording.say(f"analysis.{name}_none")
    ends = (least,) if least == most else (least, most)
    low, high = map(percent, found["ci95"])
    return wording.say(
        f"analysis.{name}",
        n=wording.number(n),
        count="–".join(wording.number(each) for each in ends),
        share=" – ".join(percent(each / n) for each in ends),
        low=low,
        high=high,
    )


def percent(value: float) -> str:
    """A share with three digits that count."""
    return f"{100 * value:.3g} %"


def own_lines(found: Found, wording: Wording) -> list[str]:
    """What the recipe holds of its two limits: FAIL is promised, PASS is estimated."""
    own = found["own"]
    low, high = map(percent, own["review_ci95"])
    return [
        wording.say(
            "analysis.own_fail",
            value=wording.figure(found["fail_threshold"]),
            share=percent(own["false_reject_promised"]),
            bound=percent(own["false_reject_bound"]),
        ),
        wording.say(
            "analysis.own_pass",
            value=wording.figure(found["threshold"]),
            share=percent(own["review_estimated"]),
            low=low,
            high=high,
        ),
    ]


def labels_line(found: Found, wording: Wording) -> str:
    """Which labelled parts are left out, and what the intervals hold for."""
    lines = [
        wording.say(f"analysis.{name}", count=wording.number(found[name]))
        for name in ("disputed", "labelled_cannot")
        if found[name]
    ]
    return " ".join([*lines, wording.say("analysis.labelled_chosen")])


def legend_lines(found: Found, wording: Wording) -> list[str]:
    """What can be known of these parts at another limit."""
    zones = found["rules"]["zones"]
    keys = {
        "score": True,
        "cannot": True,
        "no_recipe": not found["rules"]["known"],
        "rules": bool(zones),
        "several": found["several"],
    }
    return [
        wording.say(f"analysis.legend_{key}", zones=", ".join(zones))
        for key, holds in keys.items()
        if holds
    ]
