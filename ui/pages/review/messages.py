"""What the review page is told of a part: never the label of another before the person's own."""

from __future__ import annotations

from typing import Any

from inspection.labels.labels import Label, PartLabels
from inspection.local_api.messages import record_message
from inspection.store import PartEvent, PartRecord
from ui.security.users import Role, User


def part_message(record: PartRecord, labels: PartLabels, user: User) -> dict[str, Any]:
    """Say of a part what this person may know."""
    return {**record_message(record), **labels_message(labels, user)}


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


def may_decide(labels: PartLabels, user: User) -> bool:
    """Whether a label of this person may settle a difference: a third one's, or an administrator's."""
    parties = labels.parties
    return bool(parties) and (user.name not in parties or user.role is Role.ADMINISTRATOR)


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
