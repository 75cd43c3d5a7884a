"""The station: every trigger gets exactly one verdict, and what cannot be judged is never a pass.

trigger → journal → [inbox] → acquire → [pictures] → judge → [decided] → record → answer → listeners

Each arrow in brackets is a bounded queue between two threads; a watchdog rejects what is late.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from cameras import CameraError, CameraLost, CameraTimeout, EndOfStream, Frame
from inspection.delivery import Deliveries
from inspection.errors import CannotInspect, InspectionError
from inspection.judgement import Judgement, Verdict
from inspection.outputs.base import Request, Result, State
from inspection.station_file import StationFile
from inspection.status import StatusServer, Times
from inspection.views import Look, View, cannot_inspect, joined, remaining_s, side_by_side

if TYPE_CHECKING:
    from inspection.outputs.base import Output
    from inspection.store import PartRecord, Store
    from inspection.triggers import Trigger

NONE, CAMERA, RECORD, OUTPUT, RECIPE, BUSY = range(6)
"""Error codes, as `Line.error_code` gives them."""

WATCH_S = 0.02
RETRY_S = 0.5
MOST_OWED = 10_000


class StationStopped(InspectionError):
    """Inspecting stopped for another reason than being asked."""


@dataclass(slots=True, eq=False)
class Part:
    """One trigger on its way through the station. Whoever claims it first decides its verdict."""

    request: Request
    product: str
    deadline: float
    """Of the monotonic clock, as are the marks."""
    part_id: str = field(default_factory=lambda: str(uuid4()))
    marks: dict[str, float] = field(default_factory=lambda: {"taken": time.monotonic()})
    frames: dict[str, Frame] = field(default_factory=dict)
    look: Look | None = None
    picture: Future[bytes] | None = None
    """The picture as the record keeps it, encoded while the part is judged."""
    judgement: Judgement | None = None
    answered: bool = False
    _claim: threading.Lock = field(default_factory=threading.Lock)

    def claim(self, judgement: Judgement) -> bool:
        """Decide the part, once."""
        if not self._claim.acquire(blocking=False):
            return False
        self.judgement = judgement
        return True

    @property
    def claimed(self) -> bool:
        """Whether the part is decided."""
        return self._claim.locked()

    def mark(self, stage: str) -> None:
        """Note when a stage ended."""
        self.marks[stage] = time.monotonic()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class InspectedPart:
    """One part that went through the station, for listeners; `record` is already durable."""

    request: Request
    frames: Mapping[str, Frame]
    judgement: Judgement
    record: PartRecord


Listener = Callable[[InspectedPart], None]


class Station:
    """Cameras, recipes, record, triggers and outputs of one station at work.

    `with Station(...) as station: station.run()`. `run` returns when asked to stop, and raises
    StationStopped for every other reason. It is the `Line` that triggers and outputs talk to.
    """

    def __init__(
        self,
        settings: StationFile,
        *,
        views: list[View],
        store: Store,
        outputs: Mapping[str, Output],
        triggers: Mapping[str, Trigger],
        listeners: tuple[Listener, ...] = (),
        max_parts: int | None = None,
    ) -> None:
        self.settings, self.views, self.store = settings, views, store
        self.triggers, self.listeners, self.max_parts = triggers, listeners, max_parts
        self.deliveries = Deliveries(outputs, store)
        self.times = Times()
        self._product = settings.products[0].name
        self._inbox: queue.Queue[Part] = queue.Queue(settings.queue)
        self._pictures: queue.Queue[Part] = queue.Queue(2)
        # Never full: it holds no more than the two queues before it and what the watchdog rejects.
        self._decided: queue.Queue[Part] = queue.Queue()
        self._lock = threading.RLock()
        self._in_flight: dict[str, Part] = {}
        self._owed: list[Request] = []
        self._counts: Counter[str] = Counter()
        self._verdicts: Counter[str] = Counter()
        self._trouble: tuple[int, str] = (NONE, "")
        self._phase: State = "Preoperational"
        self._asked = threading.Event()
        self._over = threading.Event()
        self._fatal: BaseException | None = None
        self._stack = ExitStack()
        self._threads: list[threading.Thread] = []

    # ------------------------------------------------------------------ what a Line offers

    @property
    def station(self) -> str:
        """Name of the station."""
        return self.settings.station

    @property
    def state(self) -> State:
        """The station's state in the words of OPC 40100-1."""
        if self._phase != "Ready":
            return self._phase
        if self._trouble[0] != NONE:
            return "Error"
        return "SingleExecution" if self._in_flight else "Ready"

    @property
    def products(self) -> tuple[str, ...]:
        """Products there is a recipe for."""
        return tuple(product.name for product in self.settings.products)

    @property
    def product(self) -> str:
        """The product parts are judged as now."""
        return self._product

    @property
    def error_code(self) -> int:
        """0 when all is well; see the constants above."""
        return self._trouble[0]

    def trigger(self, request: Request) -> bool:
        """Take a trigger: note it durably, then queue it. False when the station is not ready."""
        with self._lock:
            if self._phase != "Ready" or self._asked.is_set():
                return False
            if self.max_parts is not None and self._counts["triggers"] >= self.max_parts:
                return False
            if self._trouble[0] == RECORD or not self._note(request):
                return False
            self._counts["triggers"] += 1
            part = self._new_part(request)
            try:
                self._inbox.put_nowait(part)
            except queue.Full:
                self._decide(part, f"station busy: {self.settings.queue} parts are waiting")
        return True

    def change_product(self, product: str) -> None:
        """Judge the parts triggered from now on as this product. Raises InspectionError."""
        if product not in self.products:
            raise InspectionError(
                f"product {product!r}: no recipe for it; allowed: {', '.join(self.products)}"
            )
        self._product = product
        self.deliveries.state_changed(self)

    # ------------------------------------------------------------------ life

    def __enter__(self) -> Station:
        try:
            self.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Open cameras and outputs, answer what an earlier run left, and be Ready."""
        self._phase = "Initialized"
        self._settle_unanswered()
        for view in self.views:
            self._stack.enter_context(view.camera)
        if self.settings.status_port:
            server = StatusServer(self.settings.status_port, self.snapshot)
            server.open()
            self._stack.callback(server.close)
        self._stack.callback(self.deliveries.close)
        self.deliveries.open(self)
        first = self._acquire_frames if self.settings.trigger == "camera" else self._acquire
        for name, work in (
            ("record", self._write),
            ("judge", self._judge),
            ("watch", self._watch),
            ("acquire", first),
        ):
            self._start(name, work)
        self._phase = "Ready"
        for trigger in self.triggers.values():
            self._stack.callback(trigger.close)
            trigger.open(self)
        self.deliveries.state_changed(self)

    def run(self) -> None:
        """Wait until asked to stop, or until `max_parts` are done. Raises StationStopped."""
        while not self._over.wait(0.1):
            done = self.max_parts is not None and self._counts["answers"] >= self.max_parts
            if done:
                return
            if self._asked.is_set() and not self._in_flight:
                break
        if self._fatal is None:
            return
        raise StationStopped(f"station {self.station}: {self._fatal}") from self._fatal

    def stop(self) -> None:
        """Take no more triggers; `run` returns once those taken are answered. For signal handlers."""
        self._asked.set()

    def close(self) -> None:
        """Stop the threads and let everything go; safe twice."""
        self._asked.set()
        self._phase = "Halted"
        for trigger in self.triggers.values():
            trigger.close()
        self._over.set()
        for thread in self._threads:
            thread.join(timeout=5.0)
        self._stack.close()

    def snapshot(self) -> dict[str, Any]:
        """Give the station's state, counters, latencies and queues as plain data."""
        with self._lock:
            return {
                "station": self.station,
                "state": self.state,
                "product": self.product,
                "error_code": self._trouble[0],
                "error": self._trouble[1],
                "triggers": self._counts["triggers"],
                "answers": self._counts["answers"],
                "refused": self._counts["refused"],
                "verdicts": dict(self._verdicts),
                "queues": {
                    "inbox": self._inbox.qsize(),
                    "pictures": self._pictures.qsize(),
                    "decided": self._decided.qsize(),
                    "owed": len(self._owed),
                },
                "outbox": self.deliveries.waiting(),
                "outputs": self.deliveries.problems(),
                "cameras": {view.name: _accounting(view) for view in self.views},
                "latency_ms": self.times.quantiles(),
                "stage_totals": self.times.totals(),
            }

    # ------------------------------------------------------------------ triggers

    def _note(self, request: Request) -> bool:
        """Write a trigger into the journal; one that cannot be is owed a record."""
        from inspection.store import StoreError

        try:
            new = self.store.note_trigger(
                request.trigger_id,
                station=self.station,
                source=request.source,
                at=request.at,
                serial=request.serial,
                lot=request.lot,
                product=request.product or self._product,
            )
        except StoreError as error:
            self._in_trouble(RECORD, str(error))
            self._counts["refused"] += 1
            if len(self._owed) < MOST_OWED:
                self._owed.append(request)
            return False
        return new

    def _new_part(self, request: Request) -> Part:
        deadline = time.monotonic() + self.settings.deadline_ms / 1e3
        part = Part(request, request.product or self._product, deadline)
        self._in_flight[part.part_id] = part
        return part

    # ------------------------------------------------------------------ acquire

    def _acquire(self) -> None:
        """Take each triggered part's pictures."""
        while not self._over.is_set():
            part = _next(self._inbox)
            if part is None or part.claimed:
                continue
            part.mark("wait")
            try:
                for view in self.views:
                    left = remaining_s(part.deadline)
                    trigger_id = part.request.trigger_id
                    part.frames[view.name] = view.read(timeout_s=left, trigger_id=trigger_id)
            except EndOfStream as error:
                self._decide(part, str(error))
                self._wind_up(error)
            except CameraTimeout as error:
                self._decide(part, f"no picture in time: {error}")
            except CameraError as error:
                self._in_trouble(CAMERA, str(error))
                self._decide(part, f"no picture: {error}")
            except CannotInspect as error:
                self._decide(part, str(error))
            else:
                self._out_of_trouble(CAMERA)
                self._show(part)

    def _acquire_frames(self) -> None:
        """Make a part of each picture the camera gives: its own trigger, or a folder it watches."""
        (view,) = self.views
        while not self._over.is_set() and not self._asked.is_set():
            try:
                frame = view.camera.read(timeout_s=0.5, trigger_id=None)
            except CameraTimeout:
                continue
            except EndOfStream as error:
                self._wind_up(error)
                return
            except CameraLost as error:
                self._in_trouble(CAMERA, str(error))
                self._over.wait(RETRY_S)
                with suppress(CameraError):
                    view.camera.close()
                    view.camera.open()
                continue
            except (
                CameraError
            ) as error:  # a picture was there and cannot be read: a part all the same
                self._take(None, str(error))
                continue
            self._out_of_trouble(CAMERA)
            for _ in range(frame.missed_before):
                self._take(None, "the camera lost this part's picture")
            self._take(frame, "")

    def _take(self, frame: Frame | None, problem: str) -> None:
        """Take a picture, or one that was lost, as a part of its own."""
        request = Request(source="camera")
        while not self._over.is_set():
            with self._lock:
                if self._phase != "Ready" or self._full():
                    return
                if self._note(request):
                    self._counts["triggers"] += 1
                    part = self._new_part(request)
                    break
            self._over.wait(RETRY_S)  # the record is out of reach; the camera's own queue waits
        else:
            return
        if frame is None:
            self._decide(part, problem)
            return
        part.frames[self.views[0].name] = frame
        part.mark("wait")
        self._show(part)

    def _full(self) -> bool:
        return self.max_parts is not None and self._counts["triggers"] >= self.max_parts

    def _show(self, part: Part) -> None:
        """Hand a part's pictures on to be judged, and encode them for the record meanwhile."""
        from inspection.store import encode_picture

        part.look, part.picture = side_by_side(part.frames), Future()
        part.mark("acquire")
        while not self._over.is_set() and not part.claimed:
            with suppress(queue.Full):
                self._pictures.put(part, timeout=0.1)
                break
        part.picture.set_result(encode_picture(part.look.frame))

    # ------------------------------------------------------------------ judge

    def _judge(self) -> None:
        """Judge each part's pictures; the worst view decides."""
        while not self._over.is_set():
            part = _next(self._pictures)
            if part is None or part.claimed:
                continue
            assert part.look is not None
            try:
                judgements = {
                    view.name: view.judge(part.frames[view.name], part.product)
                    for view in self.views
                }
                part.mark("judge")
                found = joined(judgements, part.look, self._latency_ms(part))
            except Exception as error:  # a fault of ours must not pass a part, nor stop the line
                found = cannot_inspect(f"unexpected {type(error).__name__}: {error}", None)
            self._decided_as(part, found)

    def _latency_ms(self, part: Part) -> dict[str, float]:
        marks = part.marks
        return {
            "wait": 1e3 * (marks["wait"] - marks["taken"]),
            "acquire": 1e3 * (marks["acquire"] - marks["wait"]),
        }

    def _decide(self, part: Part, reason: str) -> None:
        """Reject a part that was not judged."""
        recipe = self.views[0].recipes.get(part.product)
        self._decided_as(part, cannot_inspect(reason, recipe))

    def _decided_as(self, part: Part, judgement: Judgement) -> None:
        if part.claim(judgement):
            part.mark("decided")
            self._decided.put(part)

    # ------------------------------------------------------------------ record and answer

    def _write(self) -> None:
        """Record each decided part, then answer. What cannot be recorded is rejected meanwhile."""
        while not self._over.is_set() or not self._decided.empty():
            part = _next(self._decided)
            if part is None:
                if self._owed:
                    self._settle_owed()
                continue
            record = self._keep(part)
            if record is None:
                return  # stopped; the journal tells the next start of this part
            part.mark("store")
            self._answer(part, record)
            self._finish(part, record)

    def _keep(self, part: Part) -> PartRecord | None:
        """Store a part, for as long as it takes; after the first failure it can only be a reject."""
        from inspection.store import RecordRefused, StoreError

        while True:
            try:
                record = self.store.add(self._row(part), deliver_to=self.deliveries.kept)
            except RecordRefused as error:
                found = self.store.part(part.part_id)  # a commit whose answer was lost
                if found is None:
                    self._die(error)
                    return None
                record = found
            except StoreError as error:
                self._in_trouble(RECORD, str(error))
                self._reject_unrecorded(part, str(error))
                if self._over.wait(RETRY_S):
                    return None
                continue
            self._out_of_trouble(RECORD)
            return record

    def _row(self, part: Part) -> Any:
        from inspection.store import NewPart

        assert part.judgement is not None
        request = part.request
        return NewPart(
            part_id=part.part_id,
            judgement=part.judgement,
            station=self.station,
            trigger_id=request.trigger_id,
            serial=request.serial,
            lot=request.lot,
            product=part.product,
            source=request.source,
            frame=None if part.look is None else part.look.frame,
            image_bytes=None if part.picture is None else part.picture.result(timeout=60),
        )

    def _reject_unrecorded(self, part: Part, why: str) -> None:
        """Turn a part that could not be stored into a reject, and tell the line at once."""
        assert part.judgement is not None
        if part.judgement.verdict is not Verdict.CANNOT_INSPECT:
            part.judgement = cannot_inspect(f"not recorded in time: {why}", None)
        if not part.answered:
            self._send(part, self._result(part, None))

    def _answer(self, part: Part, record: PartRecord) -> None:
        """Tell the line, unless it was told already. What is late is told as a reject."""
        if part.answered:
            return
        result = self._result(part, record)
        late_ms = 1e3 * (time.monotonic() - part.deadline)
        if late_ms > 0 and not result.reject:
            text = f"recorded {late_ms:.0f} ms after the deadline: the line was told to reject"
            self.store.add_event(part.part_id, "answer", "station", detail={"reject": text})
            result = _rejected(result, text)
        self._send(part, result)

    def _send(self, part: Part, result: Result) -> None:
        part.answered = True
        problem = self.deliveries.answer(result)
        if problem is not None:
            self._in_trouble(OUTPUT, str(problem))
            self._die(problem)

    def _result(self, part: Part, record: PartRecord | None) -> Result:
        assert part.judgement is not None
        if record is not None:
            return self.deliveries.result_of(record)
        return Result(
            delivery_id=part.part_id,
            trigger_id=part.request.trigger_id,
            station=self.station,
            verdict=part.judgement.verdict,
            reason=part.judgement.reason,
            judged_at=datetime.now(UTC),
            serial=part.request.serial,
            lot=part.request.lot,
            product=part.product,
        )

    def _finish(self, part: Part, record: PartRecord) -> None:
        part.mark("answer")
        self._note_times(part)
        with self._lock:
            self._in_flight.pop(part.part_id, None)
            self._counts["answers"] += 1
            self._verdicts[record.verdict.value] += 1
        self.deliveries.wake()
        assert part.judgement is not None
        done = InspectedPart(
            request=part.request,
            frames=MappingProxyType(part.frames),
            judgement=part.judgement,
            record=record,
        )
        for listener in self.listeners:
            with suppress(Exception):  # a screen may fail; inspecting goes on
                listener(done)

    def _note_times(self, part: Part) -> None:
        marks = part.marks
        stages = ("taken", "wait", "acquire", "judge", "store", "answer")
        for before, stage in itertools.pairwise(stages):
            if before in marks and stage in marks:
                start = (
                    max(marks[before], marks.get("decided", 0.0))
                    if stage == "store"
                    else marks[before]
                )
                self.times.add(stage, 1e3 * (marks[stage] - start))
        self.times.add("total", 1e3 * (marks["answer"] - marks["taken"]))

    # ------------------------------------------------------------------ what was left open

    def _settle_unanswered(self) -> None:
        """Record as rejected what was triggered before a restart and never judged."""
        reason = "the station was restarted before this part was judged"
        for noted in self.store.unanswered(self.station):
            request = Request(
                trigger_id=noted.trigger_id,
                source=noted.source,
                serial=noted.serial,
                lot=noted.lot,
                product=noted.product,
                at=noted.at,
            )
            self._record_rejected(request, reason)

    def _settle_owed(self) -> None:
        """Record as rejected what was refused while the record was out of reach."""
        from inspection.store import StoreError

        while self._owed:
            with self._lock:
                request = self._owed[0]
            try:
                self.store.note_trigger(
                    request.trigger_id,
                    station=self.station,
                    source=request.source,
                    at=request.at,
                    serial=request.serial,
                    lot=request.lot,
                    product=request.product or self._product,
                )
                self._record_rejected(request, "refused: the record was out of reach")
            except StoreError as error:
                self._in_trouble(RECORD, str(error))
                self._over.wait(RETRY_S)
                return
            with self._lock:
                self._owed.pop(0)
        self._out_of_trouble(RECORD)

    def _record_rejected(self, request: Request, reason: str) -> None:
        part = Part(request, request.product or self._product, 0.0)
        part.claim(cannot_inspect(reason, None))
        self.store.add(self._row(part), deliver_to=self.deliveries.kept)
        self._verdicts[Verdict.CANNOT_INSPECT.value] += 1

    # ------------------------------------------------------------------ watching

    def _watch(self) -> None:
        """Reject what is late; stop the station when a part is stuck for `stall_s`."""
        while not self._over.wait(WATCH_S):
            now = time.monotonic()
            with self._lock:
                flying = list(self._in_flight.values())
            for part in flying:
                if now > part.deadline and not part.claimed:
                    allowed = self.settings.deadline_ms
                    self._decide(part, f"late: no verdict within the {allowed:.0f} ms allowed")
                stuck = now - part.marks["taken"] > self.settings.stall_s
                if stuck and self._trouble[0] == NONE:
                    waited = self.settings.stall_s
                    self._die(StationStopped(f"a part was not answered within {waited:g} s"))

    def _in_trouble(self, code: int, text: str) -> None:
        if self._trouble != (code, text):
            self._trouble = (code, text)
            self.deliveries.state_changed(self)

    def _out_of_trouble(self, code: int) -> None:
        if self._trouble[0] == code and not (code == RECORD and self._owed):
            self._trouble = (NONE, "")
            self.deliveries.state_changed(self)

    def _start(self, name: str, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except BaseException as error:
                self._die(error)

        thread = threading.Thread(target=guarded, name=f"{self.station} {name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _wind_up(self, error: BaseException) -> None:
        """Take no more, finish what is under way, and then stop with this error."""
        self._fatal = self._fatal or error
        self._asked.set()

    def _die(self, error: BaseException) -> None:
        """Stop inspecting; what is decided is still recorded, what is not is told by the journal."""
        with self._lock:
            if self._fatal is None:
                self._fatal = error
            self._phase = "Error"
        for part in list(self._in_flight.values()):
            self._decide(part, f"the station stopped: {error}")
        self._over.set()


def _next(parts: queue.Queue[Part]) -> Part | None:
    with suppress(queue.Empty):
        return parts.get(timeout=0.05)
    return None


def _rejected(result: Result, reason: str) -> Result:
    from dataclasses import replace

    return replace(result, verdict=Verdict.CANNOT_INSPECT, reason=reason)


def _accounting(view: View) -> dict[str, int]:
    counts = getattr(view.camera, "accounting", None)
    return asdict(counts) if is_dataclass(counts) and not isinstance(counts, type) else {}
