"""The figures beside the histogram, as HTML: what follows the limit with every move is filled in by the script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ui.core.html import Html, pieces, tag
from ui.core.wording import Wording
from ui.pages.analysis.histogram import short
from ui.pages.analysis.sentences import labels_line, legend_lines, own_lines

ROWS = ("pass", "reject", "unknown", "cannot")


def figures(found: Mapping[str, Any], wording: Wording) -> Html:
    """All of them; the script knows a field by its class."""
    own = own_lines(found, wording) if found["own"] else []
    names = ("own-fail", "own-pass")
    return pieces(
        tag(
            "div",
            tag("span", wording.say("analysis.threshold")),
            tag("strong", cls="at-value"),
            tag("span", wording.say("analysis.own_is", value=_figure(found)), cls="dim"),
            cls="at",
        ),
        _counts(wording),
        tag("div", tag("span", cls="to-reject"), tag("span", cls="to-pass"), cls="flip-line"),
        tag("h3", wording.say("analysis.promise_title")),
        tag("p", cls="promise"),
        *(tag("p", text, cls=name) for name, text in zip(names, own, strict=False)),
        tag("h3", wording.say("analysis.labelled_title")),
        tag("p", cls="escapes"),
        tag("p", cls="overkill"),
        tag("p", labels_line(found, wording), cls="small"),
        tag("h3", wording.say("analysis.legend_title")),
        tag("ul", *(tag("li", text) for text in legend_lines(found, wording)), cls="legend"),
    )


def _figure(found: Mapping[str, Any]) -> str:
    return "–" if found["threshold"] is None else short(found["threshold"])


def _counts(wording: Wording) -> Html:
    """Parts as stored and at this limit."""
    heads = [wording.say(f"analysis.{name}") for name in ("parts", "stored", "at_this")]
    return tag(
        "table",
        tag("tr", *(tag("th", head, scope="col") for head in heads)),
        *(
            tag(
                "tr",
                tag("th", wording.say(f"analysis.row_{name}"), scope="row"),
                tag("td", cls=f"before-{name}"),
                tag("td", cls=f"after-{name}"),
                cls=f"row-{name}",
            )
            for name in ROWS
        ),
        cls="counts",
    )
