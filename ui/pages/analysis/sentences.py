"""What is found of limits, in the words of a person's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ui.core.wording import Wording

Found = Mapping[str, Any]
ID = 8
"""So many letters of a recipe's number are shown."""


def texts_of(found: Found, recipe_id: str, wording: Wording) -> dict[str, Any]:
    """What stands beside the histogram and is the same at every limit."""
    return {
        "note": _note(found, recipe_id, wording) if found["parts"] else "",
        "own": _own(found, wording) if found["own"] else [],
        "labels": _labels(found, wording),
        "legend": _legend(found, wording),
    }


def limit_lines(found: Found, wording: Wording) -> str:
    """What a PASS limit does to labelled parts, and what holds of good ones."""
    lines = [share(name, found[name], wording) for name in ("escapes", "overkill")]
    return "\n".join([*lines, *_own({**found, "own": found}, wording)])


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


def _note(found: Found, recipe_id: str, wording: Wording) -> str:
    first, last = (wording.moment(found[name], seconds=False) for name in ("first_at", "last_at"))
    count = wording.number(found["parts"])
    return wording.say("analysis.span", recipe=recipe_id[:ID], count=count, first=first, last=last)


def _own(found: Found, wording: Wording) -> list[str]:
    """FAIL is promised, PASS is estimated."""
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


def _labels(found: Found, wording: Wording) -> str:
    """Which labelled parts are left out, and what the intervals hold for."""
    lines = [
        wording.say(f"analysis.{name}", count=wording.number(found[name]))
        for name in ("disputed", "labelled_cannot")
        if found[name]
    ]
    return " ".join([*lines, wording.say("analysis.labelled_chosen")])


def _legend(found: Found, wording: Wording) -> list[str]:
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
