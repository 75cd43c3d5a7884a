"""What the review page does for all who look at it: plain functions, no web in them."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

from inspection.labels.defect_types import Defects
from inspection.labels.labels import Label, PartLabels
from inspection.labels.mask_proposal import from_heat, from_regions
from inspection.labels.masks import Masks, decode, encode, picture_size
from inspection.labels.review_queue import Queue, sooner
from inspection.station.rejudge import StoredPartRejudge
from inspection.store import PartRecord
from inspection.store.reading.outline import numbered
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.core.labelling import label_detail
from ui.pages.review import around
from ui.pages.review.may_decide import may_decide
from ui.pages.review.messages import Viewer, part_message
from ui.pages.review.requests import Asked, Given, PartRequest, QueueRequest, Undo
from ui.security.users import User


class Review:
    """What the review page does, for all who look at it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.store = context.store
        self.queue = Queue(context.store, context.settings.station)
        self.masks = Masks(context.folder)
        self.defects = Defects(context.folder)
        self.rejudge = StoredPartRejudge(context.settings, context.folder)

    def page(self, asked: QueueRequest, viewer: Viewer) -> dict[str, Any]:
        """A page of the queue with all that is shown of its parts, and how many there are."""
        self.queue.refresh()
        found = self.queue.page(
            asked.filter.of(self.context.settings),
            viewer.user.name,
            state=asked.filter.state,
            after=asked.after,
            limit=asked.limit,
        )
        before = asked.before
        keys = {key[2]: key for key in found.keys if before is None or sooner(key, before)}
        records = numbered(self.store, list(keys))
        parts = [{**self.message(record, viewer), "key": keys[record.number]} for record in records]
        end = found.keys[-1] if len(found.keys) == asked.limit else None
        told = self._told(found.groups, viewer)
        return {"parts": parts, "end": end, **told}

    def _told(self, groups: dict[str, int], viewer: Viewer) -> dict[str, Any]:
        """How many parts wait, how far this person got, and the label they can take back."""
        given = self.queue.labels.session(viewer.user.name, viewer.since)
        labels = [label for _, label in given]
        return {
            "html_counts": around.counts(groups, viewer.wording),
            "html_session": around.session(labels, datetime.now(UTC), viewer.wording),
            "last": next(
                (
                    {"part_id": part_id, "number": label.number}
                    for part_id, label in reversed(given)
                    if self._mine(part_id, viewer.user)[-1] is label
                ),
                None,
            ),
        }

    def _mine(self, part_id: str, user: User) -> list[Label]:
        """All that a person said of a part, oldest first."""
        return [label for label in self.labels(part_id).given if label.who == user.name]

    def screen(self, viewer: Viewer) -> dict[str, Any]:
        """The page without a part."""
        return {"html": around.screen(self.defects.list(), viewer.wording)}

    def zones(self) -> list[str]:
        """The zones that parts were at fault in."""
        self.queue.refresh()
        return self.queue.choices()["zones"]

    def message(self, record: PartRecord, viewer: Viewer) -> dict[str, Any]:
        """Say of a part what this person may know."""
        return part_message(record, self.labels(record.part_id), viewer)

    def labels(self, part_id: str) -> PartLabels:
        """What was said of a part, as of the last refresh."""
        return self.queue.labels.of(part_id)

    def part(self, part_id: str) -> PartRecord:
        """A part. Raises Refuse where there is none."""
        record = self.store.part(part_id)
        if record is None:
            raise Refuse(f"part {part_id!r}: is not in the record", status=404)
        return record

    def label_detail(self, given: Given, user: User) -> dict[str, Any]:
        """Check a label, keep its mask, and give what is to be recorded."""
        record = self.part(given.part_id)
        self.queue.refresh()
        labels = self.labels(given.part_id)
        detail = label_detail(
            self.defects, given.label, given.defect, painted=given.mask is not None
        )
        if given.decides and not may_decide(labels, user):
            raise Refuse(
                f"part {given.part_id}: there is nothing for {user.name} to decide", status=409
            )
        name, sha256 = (None, None) if given.mask is None else self._keep(record, given.mask)
        return {**detail, "mask": name, "sha256": sha256, "decides": given.decides}

    def _keep(self, record: PartRecord, text: str) -> tuple[str, str]:
        picture = self.store.image_path(record)
        if picture is None or not picture.is_file():
            raise Refuse(f"part {record.part_id}: has no picture to paint on", status=404)
        try:
            data = base64.b64decode(text, validate=True)
        except binascii.Error:
            raise Refuse("mask: is not base64") from None
        mask = decode(data, picture_size(picture))
        if not mask.any():
            raise Refuse("mask: nothing is painted in it")
        number = len(self.labels(record.part_id).given) + 1
        return self.masks.keep(record.part_id, mask, number=number)

    def undo_detail(self, undo: Undo, user: User) -> dict[str, Any]:
        """What is to be recorded to take a label back: what the person had said before it."""
        self.part(undo.part_id)
        self.queue.refresh()
        mine = self._mine(undo.part_id, user)
        if not mine or mine[-1].number != undo.number or mine[-1].undoes is not None:
            raise Refuse(
                f"part {undo.part_id}: label {undo.number} is not the last of {user.name}",
                status=409,
            )
        before = mine[-2].said if len(mine) > 1 else {"label": None}
        return {**before, "undoes": undo.number}

    def refreshed(self, asked: PartRequest, viewer: Viewer) -> dict[str, Any]:
        """Say of a part what this person may know now, and how many wait."""
        self.queue.refresh()
        part = self.message(self.part(asked.part_id), viewer)
        return {"part": part, **self._told(self._groups(asked, viewer), viewer)}

    def _groups(self, asked: Asked, viewer: Viewer) -> dict[str, int]:
        which = asked.filter
        return self.queue.groups(
            which.of(self.context.settings), viewer.user.name, state=which.state
        )

    def mask(self, part_id: str, number: int, user: User) -> bytes:
        """The mask of a label this person may see."""
        self.queue.refresh()
        labels = self.labels(part_id)
        for label in labels.latest.values():
            mine = label.who == user.name or labels.seen_by(user.name)
            if label.number == number and label.mask is not None and mine:
                return self.masks.read(label.mask, label.sha256)
        raise Refuse(f"part {part_id}: there is no mask {number}", status=404)

    def proposal(self, part_id: str) -> bytes | None:
        """The mask proposed for a part; None where there is nothing to propose."""
        record = self.part(part_id)
        picture = self.store.image_path(record)
        if picture is None or not picture.is_file():
            return None
        judged = self.rejudge.judge(record, picture)
        mask = None if judged is None else from_heat(judged[0], judged[1])
        if mask is None and record.regions:
            width, height = picture_size(picture)
            mask = from_regions(record.regions, (height, width))
        return None if mask is None else encode(mask)

    def below_limit(self, part_id: str) -> bytes | None:
        """What is least usual of a part that passed; None where its picture or recipe is gone."""
        record = self.part(part_id)
        return self.rejudge.below_limit_png(record, self.store.image_path(record))

    def why(self, part_id: str, viewer: Viewer) -> str:
        """Why a part scored as it did, as HTML. Raises Refuse where it cannot be told any more."""
        record, wording = self.part(part_id), viewer.wording
        found = self.rejudge.why_page(record, self.store.image_path(record), wording.language)
        if found is None:
            raise Refuse(wording.say("review.why_gone"), status=404)
        return around.why(found, wording)
