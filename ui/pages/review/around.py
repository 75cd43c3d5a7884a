"""What stands around the pictures: the parts that wait, how far a person got, and the keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from inspection.labels.labels import Label
from inspection.store import PartRecord
from ui.core.html import Html, pieces, tag
from ui.core.wording import Wording
from ui.pages.review.about import defect_name, sign

RATE = timedelta(minutes=15)
LEAST = timedelta(minutes=1)
"""A rate is told of a span as long as this, of the labels of the last RATE."""
HOUR = timedelta(hours=1)
SHOWN = {"ArrowLeft": "←", "ArrowRight": "→", "Escape": "Esc"}
WALK = {"back": "ArrowLeft", "next": "ArrowRight", "undo": "u", "mask": "m"}
LOOK = {"heat": "h", "outlines": "r", "zoom": "z", "why": "w", "decide": "d"}
PAINT = {
    "brush": "b", "eraser": "e", "lasso": "l", "circle": "c", "ellipse": "i", "smaller": "[",
    "larger": "]", "unpaint": "u", "repaint": "y", "accept": "p", "clear": "x", "leave": "Escape",
}  # fmt: skip
"""What can be done with each key; labels are given with o, n and the number of a type of defect."""


def screen(defects: Sequence[str], wording: Wording) -> Html:
    """The page without a part; all that is empty is filled by the script."""
    return pieces(
        tag("div", cls="trouble", role="alert", hidden=True),
        tag(
            "div",
            tag("div", *_labels(defects, wording), cls="row"),
            tag(
                "div",
                *(_key(*each, "walk", wording) for each in WALK.items()),
                *(_key(*each, "", wording) for each in LOOK.items()),
                cls="row",
            ),
            cls="keys",
        ),
        tag(
            "main",
            tag(
                "section",
                tag("div", cls="counts"),
                tag("ol", cls="queue"),
                tag(
                    "div", *(_key(*each, "tool", wording) for each in PAINT.items()),
                    tag("span", wording.say("review.mask_kept"), cls="hint"), cls="palette",
                ),
                cls="waiting",
            ),
            tag("div", *(_pane(name, wording) for name in ("original", "heat")), cls="panes"),
            tag("section", tag("aside", cls="info"), tag("div", cls="session"), cls="side"),
            cls="work",
        ),
    )  # fmt: skip


def why(page: str, wording: Wording) -> Html:
    """A page in front of all, in which nothing runs."""
    title, close = wording.say("review.do_why"), wording.say("review.close")
    return tag(
        "dialog",
        tag(
            "header", tag("h2", title),
            tag("form", tag("button", "×", cls="close", aria_label=close), method="dialog"),
        ),
        tag("iframe", sandbox=True, srcdoc=page, title=title),
        cls="review-dialog why",
    )  # fmt: skip


def line(record: PartRecord) -> Html:
    """A part in the list of those that wait."""
    name = record.serial or f"#{record.number}"
    return tag(
        "li", sign(record.verdict.value), tag("span", tag("bdi", name)), data_part=record.part_id
    )


def counts(groups: Mapping[str, int], wording: Wording) -> Html:
    """How many parts wait, by why."""
    return pieces(
        *(
            tag(
                "span", wording.say(f"review.group_{name}"), " ", tag("b", wording.number(n)),
                cls=f"count of-{name}", data_group=name, data_n=str(n),
            )
            for name, n in groups.items() if n
        )
    )  # fmt: skip


def session(given: Sequence[Label], now: datetime, wording: Wording) -> Html:
    """How many labels a person gave since signing in, and how many that is in an hour."""
    n = len(given)
    rate = per_hour([label.at for label in given], now)
    return pieces(
        tag("b", wording.say("review.session", n=wording.number(n)), data_labelled=str(n)),
        None
        if rate is None
        else tag("span", wording.say("review.per_hour", n=wording.number(rate))),
    )


def per_hour(moments: Sequence[datetime], now: datetime) -> int | None:
    """How many of these would be in an hour; None where they are too few to tell."""
    recent = [at for at in moments if at > now - RATE]
    took = recent[-1] - recent[0] if recent else timedelta()
    return round((len(recent) - 1) * HOUR / took) if took > LEAST else None


def _pane(name: str, wording: Wording) -> Html:
    return tag(
        "div", tag("div", cls="stage"),
        tag("div", wording.say(f"review.pane_{name}"), cls="caption"), tag("div", cls="note"),
        cls=f"pane {name}",
    )  # fmt: skip


def _labels(defects: Sequence[str], wording: Wording) -> list[Html]:
    return [
        _key("ok", "o", "ok", wording, label="OK"),
        _key("ng", "n", "ng", wording, label="NG"),
        *(
            _key(
                f"defect-{n}", str(n), "defect", wording,
                text=defect_name(defect, wording), label="NG", defect=defect,
            )
            for n, defect in enumerate(defects, 1)
        ),
    ]  # fmt: skip


def _key(
    act: str, key: str, kind: str, wording: Wording, *,
    text: str | None = None, label: str | None = None, defect: str | None = None,
) -> Html:  # fmt: skip
    return tag(
        "button",
        tag("kbd", SHOWN.get(key, key.upper())),
        tag("span", text or wording.say(f"review.do_{act}", n="")),
        type="button", cls=f"key {kind}".strip(), data_key=key, data_act=act,
        data_label=label, data_defect=defect,
    )  # fmt: skip
