"""The kinds of entries in the record: events of a part, and actions that are about no one part.

This is the one list: who writes a kind takes it from here, which the types hold, and the audit page
offers these. A kind that another version wrote is shown as it stands. A new kind is one line here and
its words, `admin.kind_NAME`, in each language.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Self


class Author(StrEnum):
    """Who writes a kind. The program's own names stand in the column `who` as well."""

    PERSON = "person"
    STATION = "station"
    RETENTION = "retention"
    STORE = "store"
    PLANNED = "planned"
    """Nobody yet; the kind is kept free, and rules may name it."""


class RecordKind(StrEnum):
    """A kind with who writes it; its value is what stands in the record."""

    author: Author

    def __new__(cls, value: str, author: Author = Author.PERSON) -> Self:
        """Make a member from its value and who writes it."""
        kind = str.__new__(cls, value)
        kind._value_ = value
        kind.author = author
        return kind

    @property
    def words_key(self) -> str:
        """The key of its words on the audit page."""
        return "kind_" + re.sub("[- ]", "_", self.value)


class EventKind(RecordKind):
    """What happens to a part after its verdict."""

    ACKNOWLEDGE = "acknowledge"
    DISAGREE = "disagree"
    LABEL = "label"
    ANSWER = "answer", Author.STATION
    STREAM = "stream", Author.STATION
    PICTURE_REMOVED = "picture_removed", Author.RETENTION
    STUDY = "study", Author.PLANNED
    RELEASE = "release", Author.PLANNED


class ActionKind(RecordKind):
    """What is done that is about no one part."""

    SIGN_IN = "sign-in"
    SIGN_IN_FAILED = "sign-in failed"
    SIGN_OUT = "sign-out"
    FIRST_ADMINISTRATOR = "first administrator"
    USER_ADDED = "user_added"
    USER_ROLE_CHANGED = "user_role_changed"
    USER_PASSWORD_SET = "user_password_set"
    USER_REMOVED = "user_removed"
    USER_BADGE_SET = "user_badge_set"
    USER_BADGE_REMOVED = "user_badge_removed"
    USER_SIGNED_OUT = "user_signed_out"
    SESSION_ENDED = "session_ended"
    PASSWORD_CHANGED = "password_changed"
    CHANGE_FAILED = "change_failed"
    PAUSED = "paused"
    RESUMED = "resumed"
    PRODUCT_CHANGED = "product_changed"
    RECIPE_ON_LINE = "recipe_on_line"
    RECIPE_REPLACED = "recipe_replaced"
    RECIPE_PUT_BACK = "recipe_put_back"
    RECIPE_FOUND = "recipe_found", Author.STATION
    RECIPE_CONFIRMED = "recipe_confirmed"
    LIMIT_APPLIED = "limit_applied"
    PRODUCT_ADDED = "product_added"
    PRODUCT_RENAMED = "product_renamed"
    PRODUCT_ARCHIVED = "product_archived"
    PRODUCT_RESTORED = "product_restored"
    PRODUCT_EXPORTED = "product_exported"
    STATION_RESTARTED = "station_restarted"
    CAMERA_CHANGED = "camera_changed"
    CAMERA_KEPT = "camera_kept"
    CAMERA_CHOSEN = "camera_chosen"
    CAMERA_TRIED = "camera_tried"
    LINK_SET = "link_set"
    LINK_REMOVED = "link_removed"
    LINK_TESTED = "link_tested"
    NOTIFIER_SET = "notifier_set"
    NOTIFIER_REMOVED = "notifier_removed"
    NOTIFIER_TESTED = "notifier_tested"
    PARITY_CHECKED = "parity_checked"
    AUDIT_EXPORTED = "audit_exported"
    RECORD_VERIFIED = "record_verified"
    VERIFICATION_CANCELLED = "verification_cancelled"
    DOCTOR_RUN = "doctor_run"
    BACKUP_MADE = "backup_made"
    BACKUP_FETCHED = "backup_fetched"
    PICTURES_TAKEN = "pictures_taken"
    GOOD_PARTS_ADDED = "good_parts_added"
    GOOD_PARTS_REMOVED = "good_parts_removed"
    WHERE_TO_LOOK_SAVED = "where_to_look_saved"
    REFERENCE_CHOSEN = "reference_chosen"
    OPTIONS_CHOSEN = "options_chosen"
    TRAINING_STARTED = "training_started"
    TRAINING_CANCELLED = "training_cancelled"
    TRAINING_NAMED = "training_named"
    RECIPE_TRIED = "recipe_tried"
    PARTS_EXPORTED = "parts_exported"
    REPORT_MADE = "report_made"
    REPORT_FETCHED = "report_fetched"
    DEFECTS_CHANGED = "defects_changed"
    DATASET_MADE = "dataset_made"
    PICTURES_CLEARED = "pictures_cleared", Author.STORE
    PARTS_LOST = "parts_lost", Author.STORE


RECORD_KINDS: tuple[RecordKind, ...] = tuple(
    kind for kind in (*EventKind, *ActionKind) if kind.author is not Author.PLANNED
)
"""Every kind that is written."""

PROTECTED_BY = (EventKind.LABEL, EventKind.STUDY, EventKind.RELEASE)
"""Kinds of events whose part keeps its picture."""
