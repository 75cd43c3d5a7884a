"""Record first, answer then: what cannot be recorded is told to the line as a reject."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from inspection.judgement import Verdict
from inspection.judging.multi_view import cannot_inspect
from inspection.plant.messages import InspectionResult, TriggerRequest, rejects
from inspection.plant.outputs.base import OutputError
from inspection.reasons import Reason
from inspection.station.alarms import RECORD, Alarms
from inspection.station.delivery import Deliveries
from inspection.station.part import Part
from inspection.store.event_kinds import Author, EventKind

if TYPE_CHECKING:
    from inspection.store import NewPart, PartRecord, StagedPicture, Store

RETRY_S = 0.5
PICTURE_S = 20.0
MOST_OWED = 10_000


class Recorder:
    """Writes parts and triggers into the record, and gives results out. One thread records."""

    def __init__(
        self,
        store: Store,
        deliveries: Deliveries,
        alarms: Alarms,
        *,
        station: str,
        over: threading.Event,
    ) -> None:
        self.store, self.deliveries, self.alarms = store, deliveries, alarms
        self.station = station
        self._over = over
        self._lock = threading.Lock()
        self._owed: dict[str, TriggerRequest] = {}

    @property
    def owed(self) -> int:
        """How many refused triggers still want a record."""
        return len(self._owed)

    def note(self, request: TriggerRequest) -> bool:
        """Write a trigger into the journal; False when it is known, or cannot be written.

        One that cannot be written is owed a record.
        """
        from inspection.store import StoreError

        try:
            return self._note(request)
        except StoreError as error:
            self.alarms.set(RECORD, str(error))
            self.defer(request)
            return False

    def stage(self, part: Part, data: bytes) -> StagedPicture | bytes:
        """Put a picture on the disk before its part is judged; give it back where that fails.

        What is wrong is told when the part is recorded: it is tried again then.
        """
        from inspection.store import StoreError

        try:
            return self.store.stage(part.part_id, data)
        except StoreError:
            return data

    def defer(self, request: TriggerRequest) -> None:
        """Remember a refused trigger, to record it as a reject when the record is back."""
        with self._lock:
            if len(self._owed) < MOST_OWED:
                self._owed.setdefault(request.trigger_id, request)

    def refuse(self, request: TriggerRequest) -> None:
        """Tell the line to reject a part whose trigger could not be taken. Raises OutputError."""
        reason = Reason("refused")
        self._send(self._unrecorded(Part(request, request.product or "", 0.0), reason))

    def keep_all(self, some: list[Part]) -> list[PartRecord | None]:
        """Store parts that wait, with one commit; one by one where that fails. None as in `keep`."""
        from inspection.store import StoreError

        if len(some) > 1:
            for part in some:
                self._reject_if_late(part)
            try:
                rows = [self._row(part) for part in some]
                records = self.store.add_many(rows, deliver_to=self.deliveries.queued)
                self._back()
                return list(records)
            except StoreError as error:
                self.alarms.set(RECORD, str(error))
        return [self.keep(part) for part in some]

    def keep(self, part: Part) -> PartRecord | None:
        """Store a part, for as long as it takes; after the first failure it can only be a reject.

        None when the station stops meanwhile: the journal tells the next start of this part.
        """
        from inspection.store import RecordRefused, StoreError

        while True:
            self._reject_if_late(part)
            try:
                record = self._added(part)
            except RecordRefused:
                raise
            except StoreError as error:
                self.alarms.set(RECORD, str(error))
                self._reject_unrecorded(part, str(error))
                if self._over.wait(RETRY_S):
                    return None
                continue
            self._back()
            return record

    def answer(self, part: Part, record: PartRecord) -> InspectionResult:
        """Tell the line, unless it was told already. What is late is told as a reject.

        Give what the line was told. Raises OutputError when a required output fails.
        """
        result = self.deliveries.result_of(record)
        if not part.answer_once():
            if result.reject:
                return result  # in other words, but a reject
            reason = Reason("told_reject")
            self._note_reject(part, reason)
            return replace(result, verdict=Verdict.CANNOT_INSPECT, cause=reason)
        late_ms = 1e3 * (time.monotonic() - part.deadline)
        if late_ms <= 0 or result.reject:
            self._send(result)
            return result
        reason = Reason("late_record", {"value": round(late_ms)})
        told = replace(result, verdict=Verdict.CANNOT_INSPECT, cause=reason)
        self._send(told)
        self._note_reject(part, reason)
        return told

    def reject_late(self, part: Part, reason: Reason) -> None:
        """Tell the line to reject a part that is not recorded in time. Raises OutputError."""
        if part.answer_once():
            self._send(self._unrecorded(part, reason))

    def settle_unanswered(self) -> int:
        """Record as rejected what was triggered before a restart and never judged."""
        left = self.store.unanswered(self.station)
        for noted in left:
            request = TriggerRequest(
                trigger_id=noted.trigger_id,
                source=noted.source,
                serial=noted.serial,
                lot=noted.lot,
                product=noted.product,
                process=noted.process,
                at=noted.at,
            )
            self._reject(request, Reason("restarted"))
        return len(left)

    def record_deferred(self) -> int:
        """Record as rejected what was refused while the record was out of reach; give how many."""
        from inspection.store import RecordRefused, StoreError

        settled = 0
        while self._owed:
            request = next(iter(self._owed.values()))
            try:
                self._note(request)
                self._reject(request, Reason("refused"))
            except RecordRefused:
                settled -= 1  # it has its part already
            except StoreError as error:
                self.alarms.set(RECORD, str(error))
                self._over.wait(RETRY_S)
                return settled
            with self._lock:
                self._owed.pop(request.trigger_id, None)
            settled += 1
        self.alarms.clear(RECORD)
        return settled

    def _note(self, request: TriggerRequest) -> bool:
        return self.store.note_trigger(
            request.trigger_id,
            station=self.station,
            source=request.source,
            at=request.at,
            serial=request.serial,
            lot=request.lot,
            product=request.product,
            process=request.process,
        )

    def _reject(self, request: TriggerRequest, reason: Reason) -> None:
        part = Part(request, request.product or "", 0.0)
        part.claim(cannot_inspect(reason, None))
        self.store.add(self._row(part), deliver_to=self.deliveries.queued)

    def _added(self, part: Part) -> PartRecord:
        from inspection.store import RecordRefused

        try:
            return self.store.add(self._row(part), deliver_to=self.deliveries.queued)
        except RecordRefused:
            known = self.store.part(part.part_id)  # a commit whose answer was lost
            if known is None:
                raise
            return known

    def _row(self, part: Part) -> NewPart:
        from inspection.store import NewPart

        assert part.judgement is not None
        request = part.request
        picture = None if part.picture is None else part.picture.result(timeout=PICTURE_S)
        return NewPart(
            part_id=part.part_id,
            judgement=part.judgement,
            station=self.station,
            trigger_id=request.trigger_id,
            serial=request.serial or part.serial,
            lot=request.lot or part.lot,
            product=part.product or None,
            source=request.source,
            process=request.process,
            frame=None if part.montage is None else part.montage.frame,
            template_sha256=_template_sha256(part),
            image_bytes=picture if isinstance(picture, bytes) else None,
            staged=None if isinstance(picture, bytes) else picture,
        )

    def _reject_unrecorded(self, part: Part, why: str) -> None:
        """Turn a part that could not be stored into a reject, and tell the line at once."""
        self._must_be_reject(part, why)
        assert part.judgement is not None
        self.reject_late(part, part.judgement.cause)

    def _reject_if_late(self, part: Part) -> None:
        if part.answered or time.monotonic() > part.deadline:
            self._must_be_reject(part, "not recorded before the deadline")

    def _must_be_reject(self, part: Part, why: str) -> None:
        assert part.judgement is not None
        if not rejects(part.judgement.verdict, self.deliveries.review):
            part.judgement = cannot_inspect(Reason("not_recorded", {"error": why}), None)

    def _unrecorded(self, part: Part, reason: Reason) -> InspectionResult:
        request = part.request
        return InspectionResult(
            delivery_id=part.part_id,
            trigger_id=request.trigger_id,
            station=self.station,
            verdict=Verdict.CANNOT_INSPECT,
            cause=reason,
            judged_at=datetime.now(UTC),
            serial=request.serial,
            lot=request.lot,
            product=part.product,
        )

    def _note_reject(self, part: Part, reason: Reason) -> None:
        """Write down that a recorded PASS was told as a reject, for as long as it takes."""
        from inspection.store import StoreError, reject_detail

        while True:
            try:
                self.store.add_event(
                    part.part_id, EventKind.ANSWER, Author.STATION, detail=reject_detail(reason)
                )
            except StoreError as error:
                self.alarms.set(RECORD, str(error))
                if self._over.wait(RETRY_S):
                    return
                continue
            self._back()
            return

    def _back(self) -> None:
        """The record takes rows again; the alarm ends once nothing is owed."""
        if not self._owed:
            self.alarms.clear(RECORD)

    def _send(self, result: InspectionResult) -> None:
        problem: OutputError | None = self.deliveries.answer(result)
        if problem is not None:
            raise problem


def _template_sha256(part: Part) -> str | None:
    """Of the template of each view, as cameras stand in a record; None where the recipes' own count."""
    found = [part.templates.get(view) for view in part.frames]
    return "+".join(each.sha256 if each else "" for each in found) if any(found) else None
