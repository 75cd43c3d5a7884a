"""Who may settle what people differ about."""

from __future__ import annotations

from inspection.labels.labels import PartLabels
from ui.security.users import Role, User


def may_decide(labels: PartLabels, user: User) -> bool:
    """Whether a label of this person may settle a difference: a third one's, or an administrator's."""
    parties = labels.parties
    return bool(parties) and (user.name not in parties or user.role is Role.ADMINISTRATOR)
