"""The way of a part through a station: exactly one verdict for each trigger, and never a pass unjudged.

trigger → journal → [inbox] → acquire → [pictures] → judge → [decided] → record → answer → listeners

Each arrow in brackets is a bounded queue between two threads; a watchdog rejects what is late.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING

from inspection.errors import InspectionError
from inspection.judgement import Judgement
from inspection.judging.multi_view import cannot_inspect, combine_judgements
from inspection.plant.messages import StationState, TriggerRequest
from inspection.plant.outputs.base import OutputError
from inspection.reasons import Reason
from inspection.station.acquisition import Acquirer, PipelineLinks, next_of, waiting_in
from inspection.station.alarms import OUTPUT, RECORD, Alarms
from inspection.station.camera_service import CameraService
from inspection.station.camera_set import CameraSet
from inspection.station.code_reader import identify
from inspection.station.delivery import Deliveries
from inspection.station.part import InspectedPart, Listener, Part
from inspection.station.parts_in_flight import PartsInFlight
from inspection.station.recorder import Recorder
from inspection.station.released_recipes import ReleasedRecipes
from inspection.station.station_file import StationFile
from inspection.station.templates import Templates

if TYPE_CHECKING:
    from inspection.plant.messages import InspectionResult, StationInterface
    from inspection.plant.triggers import Trigger
    from inspection.store import PartRecord, Store

WATCH_S = 0.02
SUSPENDED_S = 1.0
"""The watchdog that comes this much too late was suspended with the computer: nothing hung in that time."""
AT_ONCE = 16
"""Parts recorded with one commit, when so many wait."""
GRACE_S = 0.1
"""What recording a reject may take after the deadline before the line is told without it."""


class StationStopped(InspectionError):
    """Inspecting stopped for another reason than being asked."""


class Pipeline:
    """The queues and threads that a part goes through.

    `open` starts the threads and the triggers; `run` waits for the end; `close` ends them all.
    """

    def __init__(
        self,
        settings: StationFile,
        *,
        cameras: CameraSet,
        store: Store,
        parts: PartsInFlight,
        deliveries: Deliveries,
        alarms: Alarms,
        camera_service: CameraService,
        released: ReleasedRecipes,
        triggers: Mapping[str, Trigger],
        listeners: tuple[Listener, ...] = (),
        max_parts: int | None = None,
    ) -> None:
        self.settings, self.parts, self.cameras = settings, parts, cameras
        self.deliveries, self.alarms, self.camera_service = deliveries, alarms, camera_service
        self.released = released
        self.triggers, self.listeners, self.max_parts = triggers, listeners, max_parts
        self.phase: StationState = "Preoperational"
        self.product = settings.first_product
        """Parts triggered from now on are judged as this one."""
        self.failure: BaseException | None = None
        self.stopping, self.over = threading.Event(), threading.Event()
        """No more triggers are taken; no thread works any more."""
        self.recorder = Recorder(
            store, deliveries, alarms, station=settings.station, over=self.over
        )
        links = PipelineLinks(
            take=self._take_picture,
            judge=self._to_judging,
            reject=self._reject,
            wind_up=self._wind_up,
            stopping=self.stopping,
            over=self.over,
        )
        self._acquirer = Acquirer(cameras, camera_service, links)
        self._reader = settings.identity.as_reader() if settings.identity else None
        self._templates = Templates(settings)
        self._inbox: queue.Queue[Part] = queue.Queue(settings.queue)
        self._pictures: queue.Queue[Part] = queue.Queue(2)
        # Never full: it holds no more than the two queues before it and what the watchdog rejects.
        self._decided: queue.Queue[Part] = queue.Queue()
        self._late: queue.Queue[Part] = queue.Queue(settings.queue)
        self._awake_since = time.monotonic()
        self._judging_since: float | None = None
        """Since when one part is being judged, by the monotonic clock."""
        self._taking, self._failing = threading.Lock(), threading.Lock()
        self._threads: list[threading.Thread] = []
        self._opened: list[Trigger] = []

    # Life

    def settle_unanswered(self) -> None:
        """Record as rejected what an earlier run triggered and never judged."""
        self.parts.count_rejected(self.recorder.settle_unanswered())

    def open(self, line: StationInterface) -> None:
        """Start the threads, then the triggers. Raises TriggerUnavailable."""
        # Before the cameras are read: a picture that comes by itself is a part from the first on.
        self.phase = "Ready"
        for work in (self._write, self._judge, self._watch, self._answer_late, self._acquire):
            self.start(work)
        for trigger in self.triggers.values():
            trigger.open(line)
            self._opened.append(trigger)

    def start(self, work: Callable[[], None]) -> None:
        """Run `work` in a thread of its own, whose failure is the station's."""

        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # a thread's end is the station's
                self._fail(error)

        name = f"{self.settings.station} {work.__name__.strip('_')}"
        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def run(self) -> None:
        """Wait until asked to stop, or until `max_parts` are done. Raises StationStopped."""
        give_up = 0.0
        while not self.over.wait(0.1):
            if self.max_parts is not None and self.parts.answered >= self.max_parts:
                return
            if not self.stopping.is_set():
                continue
            give_up = give_up or time.monotonic() + self.settings.stall_s
            if self._settled():
                break
            if time.monotonic() > give_up:
                self._fail(StationStopped("asked to stop, but not all parts could be recorded"))
        if self.failure is not None:
            station = self.settings.station
            raise StationStopped(f"station {station}: {self.failure}") from self.failure

    def close(self) -> None:
        """End triggers and threads; safe twice."""
        self.stopping.set()
        self.phase = "Halted"
        for trigger in self.triggers.values():
            with suppress(InspectionError):  # one that ended by itself was told by the watchdog
                trigger.close()
        self.over.set()
        for thread in self._threads:
            thread.join(timeout=5.0)

    def queue_lengths(self) -> dict[str, int]:
        """Parts that wait before each stage, and refused triggers that still want a record."""
        return {
            "inbox": self._inbox.qsize(),
            "pictures": self._pictures.qsize(),
            "decided": self._decided.qsize(),
            "owed": self.recorder.owed,
        }

    def room(self) -> dict[str, int]:
        """Parts that the bounded queues hold at most."""
        return {"inbox": self._inbox.maxsize, "pictures": self._pictures.maxsize}

    # A trigger is taken

    def trigger(self, request: TriggerRequest) -> bool:
        """Note a trigger durably, then queue it. False when the station is not ready."""
        part = self._take(request, time.monotonic())
        if part is None:
            self.cameras.skip_one()
            return False
        try:
            self._inbox.put_nowait(part)
        except queue.Full:
            self.cameras.skip_one()
            self._reject(part, Reason("busy", {"count": self.settings.queue}))
        return True

    def no_recipe(self, product: str) -> Reason:
        """That a product has no recipe, and which have."""
        products = ", ".join(self.settings.product_names)
        return Reason("no_recipe", {"product": product, "allowed": products})

    def _take(self, request: TriggerRequest, began: float) -> Part | None:
        """Take a trigger if the station is ready; None if it is not, or knows the trigger already."""
        deadline = began + self.settings.deadline_ms / 1e3
        with self._taking:
            if self.phase != "Ready" or self.stopping.is_set() or self._full():
                return None
            if self.parts.has_trigger(request.trigger_id):
                return None
            if self.alarms.has(RECORD) or time.monotonic() > deadline:
                self.recorder.defer(request)
                return None
            if not self.recorder.note(request):
                return None
            part = Part(request, request.product or self.product, deadline)
            part.marks["taken"] = began
            self.parts.add(part)
        if part.product not in self.settings.product_names:
            self._reject(part, self.no_recipe(part.product))
        if self.camera_service.paused:
            self._reject(part, Reason("paused"))
        return part

    def _take_picture(self, request: TriggerRequest, began: float) -> Part | None:
        """Take a picture as a part; where the record is out of reach, tell the line to reject it."""
        part = self._take(request, began)
        if part is None and self.alarms.has(RECORD):
            self.recorder.refuse(request)
        return part

    def _full(self) -> bool:
        return self.max_parts is not None and self.parts.taken >= self.max_parts

    def _settled(self) -> bool:
        """Whether nothing is under way: no part, no trigger being taken, none owed a record."""
        if not self._taking.acquire(timeout=0.1):
            return False
        settled = not self.parts and not self.recorder.owed
        self._taking.release()
        return settled

    # The stages, each in a thread of its own

    def _acquire(self) -> None:
        if self.settings.trigger == "camera":
            self._acquirer.follow()
        else:
            self._acquirer.take_pictures(self._inbox)

    def _to_judging(self, part: Part) -> None:
        """Hand a part's pictures on to be judged; meanwhile encode them and put them on the disk."""
        from inspection.store import encode_picture

        assert part.montage is not None
        part.picture = Future()
        while not self.over.is_set() and not part.claimed:
            with suppress(queue.Full):
                self._pictures.put(part, timeout=0.1)
                break
        try:
            if (
                part.claimed
            ):  # rejected meanwhile: its row may be written, and would not name the picture
                part.picture.set_result(None)
                return
            part.picture.set_result(self.recorder.stage(part, encode_picture(part.montage.frame)))
        except BaseException as error:
            part.picture.set_exception(error)
            raise

    def _judge(self) -> None:
        """Judge each part's pictures; the worst view decides."""
        while not self.over.is_set():
            part = next_of(self._pictures)
            if part is None or part.claimed:
                continue
            self._judging_since = time.monotonic()
            try:
                judgement = (
                    self._unidentified(part) or self._unreleased(part) or self._judgement(part)
                )
            except Exception as error:  # a fault of ours must not pass a part, nor stop the line
                judgement = cannot_inspect(_own_fault(error), None)
            self._judging_since = None
            self._decide(part, judgement)

    def _judgement(self, part: Part) -> Judgement:
        assert part.montage is not None
        golden = {name: each.image for name, each in part.templates.items()}
        part.judgements = {
            view.name: view.judge(
                part.frames[view.name], part.product, template=golden.get(view.name)
            )
            for view in self.cameras.views
        }
        part.mark("judge")
        return combine_judgements(part.judgements, part.montage, part.times_ms())

    def _unidentified(self, part: Part) -> Judgement | None:
        """Read who the part is from its picture; a judgement where that leaves it without recipe or template."""
        problem = None
        if self._reader is not None:
            problem = identify(part, self._reader, self.settings.product_names)
        problem = problem or self._templates.lay_beside(part)
        return cannot_inspect(problem, None) if problem else None

    def _unreleased(self, part: Part) -> Judgement | None:
        """A judgement where nobody released the recipe the part would be judged by."""
        reason = self.released.withheld(part.product)
        return cannot_inspect(reason, None) if reason else None

    def _write(self) -> None:
        """Record what is decided, what waits together with one commit, then answer each."""
        while not self.over.is_set() or not self._decided.empty():
            parts = waiting_in(self._decided, AT_ONCE)
            if not parts and self.recorder.owed:
                self.parts.count_rejected(self.recorder.record_deferred())
            try:
                for part, record in zip(parts, self.recorder.keep_all(parts), strict=True):
                    if record is None:
                        return
                    part.mark("store")
                    self._finish(part, record, self.recorder.answer(part, record))
            except OutputError as error:
                self._output_failed(error)

    def _answer_late(self) -> None:
        """Tell the line to reject what waits for the record; an output may take its time."""
        allowed = self.settings.deadline_ms
        while not self.over.is_set():
            part = next_of(self._late)
            if part is None:
                continue
            try:
                reason = Reason("record_waits", {"value": allowed})
                self.recorder.reject_late(part, reason)
            except OutputError as error:
                self._output_failed(error)

    def _watch(self) -> None:
        """Reject what is late; stop the station when a part is stuck for `stall_s`, or a trigger is dead."""
        stall_s = self.settings.stall_s
        seen = time.monotonic()
        while not self.over.wait(WATCH_S):
            now = time.monotonic()
            if now - seen > SUSPENDED_S:
                self._awake_since = now
            seen = now
            for part in self.parts.all():
                if now > part.deadline:
                    self._reject_late(part)
                self._must_not_stall(
                    part.marks["taken"], f"a part was not answered within {stall_s:g} s"
                )
            self._must_not_stall(
                self._judging_since, f"the judge thread hangs, for {stall_s:g} s now"
            )
            self.cameras.check(stall_s, awake_s=now - self._awake_since)
            for trigger in tuple(self._opened):  # one that is just being opened cannot be asked yet
                trigger.check()
            self.deliveries.check()

    def _must_not_stall(self, since: float | None, problem: str) -> None:
        """Stop the station for what began longer than `stall_s` ago, unless it waits for the record."""
        if since is None or self.alarms.has(RECORD):
            return
        if time.monotonic() - max(since, self._awake_since) > self.settings.stall_s:
            self._fail(StationStopped(problem))

    # The verdict, once for each part

    def _reject_late(self, part: Part) -> None:
        """Decide a part nobody judged in time; one that only waits for the record, answer now."""
        allowed = self.settings.deadline_ms
        if not part.claimed:
            self._reject(part, Reason("late", {"value": allowed}))
        elif time.monotonic() > part.deadline + GRACE_S and not part.answered:
            with suppress(queue.Full):  # its turn comes again
                self._late.put_nowait(part)

    def _reject(self, part: Part, reason: Reason) -> None:
        """Reject a part that was not judged."""
        recipe = self.cameras.views[0].recipes.get(part.product)
        self._decide(part, cannot_inspect(reason, recipe))

    def _decide(self, part: Part, judgement: Judgement) -> None:
        if part.claim(judgement):
            self._decided.put(part)

    def _finish(self, part: Part, record: PartRecord, told: InspectionResult) -> None:
        """Count an answered part, and show it to the listeners."""
        part.mark("answer")
        self.parts.remove(part, told)
        self.deliveries.wake()
        assert part.judgement is not None
        done = InspectedPart(
            request=part.request,
            frames=MappingProxyType(part.frames),
            judgement=part.judgement,
            record=record,
            told=told,
            judgements=MappingProxyType(part.judgements),
        )
        for listener in self.listeners:
            with suppress(Exception):  # a screen may fail; inspecting goes on
                listener(done)

    # The end

    def _output_failed(self, error: OutputError) -> None:
        """A line that cannot be told must not run."""
        self.alarms.set(OUTPUT, str(error))
        self._fail(error)

    def _wind_up(self, error: BaseException) -> None:
        """Take no more, finish what is under way, and then stop with this error."""
        self.failure = self.failure or error
        self.stopping.set()

    def _fail(self, error: BaseException) -> None:
        """Stop inspecting; what is under way is recorded as rejected, or told by the journal."""
        with self._failing:
            self.failure, self.phase = self.failure or error, "Error"
        for part in self.parts.all():
            self._reject(part, Reason("stopped", {"error": str(error)}))
        self.over.set()


def _own_fault(error: Exception) -> Reason:
    return Reason("own_fault", {"error": f"{type(error).__name__}: {error}"})
