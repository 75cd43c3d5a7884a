"""What the review page is told of a part: never the label of another before the person's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import Request

from inspection.labels.labels import Label, PartLabels
from inspection.local_api.messages import record_message
from inspection.store import PartEvent, PartRecord
from ui.core.context import Context
from ui.core.outline import outlines
from ui.core.wording import Wording
from ui.pages.review.about import about, heat_note
from ui.pages.review.around import line
from ui.pages.review.may_decide import may_decide
from ui.security.users import User


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, how things are written for them, and when they signed in."""

    user: User
    wording: Wording
    since: datetime

    @classmethod
    def of(cls, context: Context, request: Request) -> Viewer:
        """Whoever asks."""
        session = request.scope.get("session")
        wording = Wording(context.words, request.scope["language"], request.cookies.get("zone"))
        since = datetime.fromtimestamp(session.since_s if session else 0, UTC)
        return cls(request.scope["user"], wording, since)


def part_message(record: PartRecord, labels: PartLabels, viewer: Viewer) -> dict[str, Any]:
    """Say of a part what this person may know; what begins with `html_` is put in as it is."""
    return {
        **record_message(record),
        **labels_message(labels, viewer.user),
        "heat_note": heat_note(record, viewer.wording),
        "html_about": about(record, labels, viewer.user, viewer.wording),
        "html_line": line(record),
        "html_outlines": outlines(record),
    }


def labels_message(labels: PartLabels, user: User) -> dict[str, Any]:
    """Say who labelled a part; what others said only where the person may see it."""
    latest = labels.latest
    mine, visible = latest.get(user.name), labels.seen_by(user.name)
    others = [label for who, label in latest.items() if who != user.name]
    return {
        "mine": None if mine is None else _label_message(mine),
        "others": [_label_message(label) for label in others] if visible else [],
        "hidden": 0 if visible else len(others),
        "differ": bool(labels.parties),
        "decided": labels.decision is not None,
        "may_decide": may_decide(labels, user),
        "complaint": _complaint(labels.complaint),
    }


def _label_message(label: Label) -> dict[str, Any]:
    return {
        "number": label.number,
        "who": label.who,
        "at": label.at.isoformat(),
        "label": label.label,
        "defect": label.defect,
        "mask": label.mask is not None,
        "decides": label.decides,
    }


def _complaint(event: PartEvent | None) -> dict[str, Any] | None:
    if event is None:
        return None
    comment = event.detail.get("comment")
    return {
        "who": event.who,
        "at": event.at.isoformat(),
        "comment": comment if isinstance(comment, str) else "",
    }
