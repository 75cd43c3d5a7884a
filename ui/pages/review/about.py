"""What is known of a part, as it stands beside its picture: verdict, why, score, names, labels."""

from __future__ import annotations

from collections.abc import Iterable

from inspection.judgement import Verdict
from inspection.labels.labels import Label, PartLabels
from inspection.reasons import written_apart
from inspection.store import PartRecord
from ui.core.html import Html, pieces, tag
from ui.core.wording import Wording
from ui.pages.review.may_decide import may_decide
from ui.security.users import User

SHORT = 12
"""Of a recipe's id."""
LIMIT_AT = 62
"""Where the limit stands in the gauge, of 100."""


def about(record: PartRecord, labels: PartLabels, user: User, wording: Wording) -> Html:
    """All of it."""
    verdict = record.verdict.value
    return pieces(
        tag(
            "div", sign(verdict), tag("span", wording.say(f"operator.verdict_{verdict}")),
            cls=f"verdict v-{verdict.lower()}",
        ),
        _notices(labels, user, wording),
        _why(record, wording),
        _gauge(record, wording),
        _facts(record, wording),
        _labels(labels, user, wording),
    )  # fmt: skip


def sign(verdict: str) -> Html:
    """The sign of a verdict; the page has the drawings."""
    return tag(
        "svg", tag("use", href=f"#sign-{verdict}"), cls="sign", viewBox="0 0 100 100", aria_hidden="true"
    )  # fmt: skip


def share_of_limit(record: PartRecord) -> str | None:
    """A score as a share of the limit; None where either is missing."""
    if record.score is None or not record.threshold:
        return None
    return f"{round(100 * record.score / record.threshold):,}"


def heat_note(record: PartRecord, wording: Wording) -> str:
    """What stands below the heat of a part: of one that passed, how near the limit it came."""
    if record.verdict is not Verdict.PASS:
        return ""
    share = share_of_limit(record)
    if share is None:
        return wording.say("review.nothing_hot")
    return wording.say("review.below_limit", share=share)


def _notices(labels: PartLabels, user: User, wording: Wording) -> Html | None:
    lines = list[Html]()
    if (doubt := labels.complaint) is not None:
        comment = doubt.detail.get("comment")
        lines.append(tag("div", wording.say("review.doubted", who=doubt.who)))
        if isinstance(comment, str) and comment:
            lines.append(tag("div", f"“{comment}”"))
    if labels.parties:
        # Of the two that may decide, the page shows the one that is so.
        able = may_decide(labels, user)
        names = ("differ_decides", "differ_may") if able else ("differ",)
        lines += [tag("div", wording.say(f"review.{name}"), cls=name) for name in names]
    return tag("div", *lines, cls="notice") if lines else None


def _why(record: PartRecord, wording: Wording) -> Html:
    cause = record.cause
    if cause.code == "other":  # of an old record: its own text, in English
        text = tag("small", str(cause.values["text"]), lang="en")
        return tag("p", wording.say(f"reasons.{cause.key}"), text, cls="why")
    return tag("p", wording.reason(cause), cls="why")


def _gauge(record: PartRecord, wording: Wording) -> Html | None:
    share = share_of_limit(record)
    if share is None or record.score is None or not record.threshold:
        return None
    figures = written_apart({"score": record.score, "limit": record.threshold})
    over = record.score > record.threshold
    width = min(100.0, LIMIT_AT * record.score / record.threshold)
    return tag(
        "div",
        tag("div", wording.say("review.score", **figures, share=share), cls="words"),
        tag(
            "svg",
            _bar(0, 100, "scale"),
            _bar(0, width, "over" if over else "under"),
            tag("rect", x=f"{LIMIT_AT - 0.4}", y="0", width="0.8", height="10", cls="limit"),
            viewBox="0 0 100 10", preserveAspectRatio="none",
        ),
        cls="gauge",
    )  # fmt: skip


def _bar(x: float, width: float, kind: str) -> Html:
    return tag("rect", x=f"{x:g}", y="2", width=f"{max(0.0, width):g}", height="6", cls=kind)


def _facts(record: PartRecord, wording: Wording) -> Html:
    types = [
        wording.say("review.type_unknown") if name == "unknown" else name
        for name in _distinct(region.label for region in record.regions)
    ]
    facts = {
        "number": str(record.number),
        "serial": record.serial,
        "lot": record.lot,
        "product": record.product,
        "recipe": (record.recipe_id or "")[:SHORT],
        "zone": ", ".join(_distinct(region.zone for region in record.regions)),
        **({"type": ", ".join(types)} if types else {}),
        "time": wording.moment(record.judged_at),
    }
    return tag(
        "dl",
        *(
            pieces(
                tag("dt", wording.say(f"review.fact_{name}")),
                tag("dd", value or "–", title=value or ""),
            )
            for name, value in facts.items()
        ),
    )


def _labels(labels: PartLabels, user: User, wording: Wording) -> Html:
    latest = labels.latest
    mine, visible = latest.pop(user.name, None), labels.seen_by(user.name)
    shown = ([mine] if mine else []) + (list(latest.values()) if visible else [])
    hidden = 0 if visible else len(latest)
    told = None
    if hidden:
        told = tag("p", wording.say("review.hidden", n=hidden), cls="dim")
    elif not shown:
        told = tag("p", wording.say("review.no_label"), cls="dim")
    rows = (_label(label, label is mine, wording) for label in shown)
    return tag("div", tag("h3", wording.say("review.labels")), tag("ul", *rows), told, cls="labels")


def _label(label: Label, mine: bool, wording: Wording) -> Html:
    said = [wording.say(f"review.label_{label.label}")]
    if label.defect:
        said.append(defect_name(label.defect, wording))
    show = wording.say("review.show_mask")
    return tag(
        "li",
        tag("b", " · ".join(said)),
        " ",
        wording.say("review.you") if mine else label.who,
        tag("em", wording.say("review.decides")) if label.decides else None,
        tag("button", show, cls="link", data_mask=str(label.number)) if label.mask else None,
        tag("small", wording.moment(label.at)),
        cls=str(label.label),
        data_who=label.who,
    )


def defect_name(defect: str, wording: Wording) -> str:
    """The name of a type of defect in a language, or as people wrote it."""
    return wording.said(f"review.defect_{defect}", defect)


def _distinct(names: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))
