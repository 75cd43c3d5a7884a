"""The station: every trigger gets exactly one verdict, and what cannot be judged is never a pass.

trigger → journal → [inbox] → acquire → [pictures] → judge → [decided] → record → answer → listeners

Each arrow in brackets is a bounded queue between two threads; a watchdog rejects what is late.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from inspection.errors import InspectionError
from inspection.judgement import Judgement, Verdict
from inspection.judging.multi_view import cannot_inspect, combine_judgements
from inspection.plant.messages import StationState, TriggerRequest
from inspection.plant.outputs.base import OutputError
from inspection.station import pause_file as pause
from inspection.station.acquisition import Acquirer, next_of, waiting_in
from inspection.station.alarms import NONE, OUTPUT, RECORD, Alarms
from inspection.station.camera_service import CameraService
from inspection.station.camera_view import CameraView
from inspection.station.code_reader import identify
from inspection.station.delivery import Deliveries
from inspection.station.part import InspectedPart, Listener, Part
from inspection.station.pause_file import Paused
from inspection.station.recorder import Recorder
from inspection.station.station_file import StationFile
from inspection.station.status import StatusServer, Times

if TYPE_CHECKING:
    from pathlib import Path

    from inspection.plant.messages import InspectionResult
    from inspection.plant.outputs.base import Output
    from inspection.plant.triggers import Trigger
    from inspection.recipe import Recipe
    from inspection.store import PartRecord, Store

WATCH_S = 0.02
AT_ONCE = 16
"""Parts recorded with one commit, when so many wait."""
GRACE_S = 0.1
"""What recording a reject may take after the deadline before the line is told without it."""
HOUR_S, TRIGGERS_DAYS = 3600.0, 7


class StationStopped(InspectionError):
    """Inspecting stopped for another reason than being asked."""


class Station:
    """Cameras, recipes, record, triggers and outputs of one station at work.

    `with Station(...) as station: station.run()`. `run` returns when asked to stop, and raises
    StationStopped for every other reason. It is the `Line` that triggers and outputs talk to.
    """

    def __init__(
        self,
        settings: StationFile,
        *,
        views: list[CameraView],
        store: Store,
        outputs: Mapping[str, Output],
        triggers: Mapping[str, Trigger],
        listeners: tuple[Listener, ...] = (),
        max_parts: int | None = None,
    ) -> None:
        self.settings, self.views, self.store = settings, views, store
        self.triggers, self.listeners, self.max_parts = triggers, listeners, max_parts
        self.times = Times()
        self.trouble = Alarms(self._changed)
        self.deliveries = Deliveries(outputs, store, open_part=self._is_open)
        self._asked, self._over = threading.Event(), threading.Event()
        self._recorder = Recorder(
            store, self.deliveries, self.trouble, station=settings.station, over=self._over
        )
        self.adjuster = CameraService(views, settings)
        self._acquirer = Acquirer(
            views,
            self.trouble,
            decide=self._decide,
            shown=self._shown,
            ended=self._wind_up,
            over=self._over,
            between=self.adjuster.work,
            paused=lambda: self.paused,
            seen=self.adjuster.seen,
        )
        self._product = settings.products[0].name
        self._reader = settings.identity.as_reader() if settings.identity else None
        self._inbox: queue.Queue[Part] = queue.Queue(settings.queue)
        self._pictures: queue.Queue[Part] = queue.Queue(2)
        # Never full: it holds no more than the two queues before it and what the watchdog rejects.
        self._decided: queue.Queue[Part] = queue.Queue()
        self._late: queue.Queue[Part] = queue.Queue(settings.queue)
        self._busy: dict[str, float] = {}
        """Since when a stage is at work on one part."""
        self._pausing = threading.Lock()
        self._paused_by: Paused | None = None
        self._lock, self._taking = threading.RLock(), threading.Lock()
        self._in_flight: dict[str, Part] = {}
        self._counts: Counter[str] = Counter()
        self._verdicts: Counter[str] = Counter()
        self._phase: StationState = "Preoperational"
        self._fatal: BaseException | None = None
        self._stack = ExitStack()
        self._threads: list[threading.Thread] = []

    # What a Line offers

    @property
    def station(self) -> str:
        """Name of the station."""
        return self.settings.station

    @property
    def state(self) -> StationState:
        """The station's state in the words of OPC 40100-1."""
        if self._phase != "Ready":
            return self._phase
        if self.trouble.code != NONE:
            return "Error"
        if self.paused:
            return "Initialized"
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
        """0 when all is well; see `inspection.station.alarms`."""
        return self.trouble.code

    def trigger(self, request: TriggerRequest) -> bool:
        """Take a trigger: note it durably, then queue it. False when the station is not ready."""
        part = self._taken(request, time.monotonic())
        if part is None:
            self._acquirer.skip_one()
            return False
        try:
            self._inbox.put_nowait(part)
        except queue.Full:
            self._acquirer.skip_one()
            self._decide(part, f"station busy: {self.settings.queue} parts are waiting")
        return True

    def change_product(self, product: str) -> None:
        """Judge the parts triggered from now on as this product. Raises InspectionError."""
        if product not in self.products:
            raise InspectionError(self._no_recipe(product))
        self._product = product
        self._changed()

    @property
    def paused(self) -> bool:
        """Whether a person paused inspecting; triggers are then rejected, with that reason."""
        return self.adjuster.paused

    @property
    def paused_by(self) -> Paused | None:
        """Who paused inspecting and when, None while it goes on."""
        return self._paused_by if self.paused else None

    def pause(self, *, paused: bool, who: str = pause.UNKNOWN) -> None:
        """Pause inspecting, also for later starts; or go on once set-up has left the cameras.

        Raises InspectionError.
        """
        with self._pausing:
            if paused:
                self.adjuster.paused = True
                self._paused_by = pause.paused_now(who)
                pause.write(self.settings.page_folder, self._paused_by)
            else:
                self.adjuster.resume()
                pause.remove(self.settings.page_folder)
        self._changed()

    def put_recipe(self, path: Path, recipe: Recipe) -> list[str]:
        """Judge by this recipe wherever the station file names its path; give the products.

        Each picture is judged wholly by one of the two.
        """
        path = path.resolve()
        changed = []
        for product in self.settings.products:
            for view in self.views:
                if product.recipe_of(view.name).resolve() == path:
                    view.recipes = {**view.recipes, product.name: recipe}
                    changed.append(product.name)
        if not changed:
            raise InspectionError(f"recipe {path}: no product of the station file is judged by it")
        return sorted(set(changed))

    # Life

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
        self._paused_by = pause.read(self.settings.page_folder)
        self.adjuster.paused = self._paused_by is not None
        self._verdicts[Verdict.CANNOT_INSPECT.value] += self._recorder.settle_unanswered()
        for view in self.views:
            self._stack.callback(view.close)
            view.camera.open()
        if self.settings.status_port:
            server = StatusServer(self.settings.status_port, self.snapshot)
            server.open()
            self._stack.callback(server.close)
        self._stack.callback(self.deliveries.close)
        self.deliveries.open(self)
        # Before the cameras are read: a picture that comes by itself is a part from the first on.
        self._phase = "Ready"
        for work in (
            self._write,
            self._judge,
            self._watch,
            self._answer_late,
            self._acquire,
            self._housekeep,
        ):
            self._start(work)
        for trigger in self.triggers.values():
            trigger.open(self)
        self._changed()

    def run(self) -> None:
        """Wait until asked to stop, or until `max_parts` are done. Raises StationStopped."""
        give_up = 0.0
        while not self._over.wait(0.1):
            if self.max_parts is not None and self._counts["answers"] >= self.max_parts:
                return
            if not self._asked.is_set():
                continue
            give_up = give_up or time.monotonic() + self.settings.stall_s
            if self._settled():
                break
            if time.monotonic() > give_up:
                self._die(StationStopped("asked to stop, but not all parts could be recorded"))
        if self._fatal is not None:
            raise StationStopped(f"station {self.station}: {self._fatal}") from self._fatal

    def _settled(self) -> bool:
        """Whether nothing is under way: no part, no trigger being taken, none owed a record."""
        if not self._taking.acquire(timeout=0.1):
            return False
        with self._lock:
            settled = not self._in_flight and not self._recorder.owed
        self._taking.release()
        return settled

    def _is_open(self, part_id: str) -> bool:
        return part_id in self._in_flight

    def stop(self) -> None:
        """Take no more triggers; `run` returns once those taken are answered. For signal handlers."""
        self._asked.set()

    def close(self) -> None:
        """Stop the threads and let everything go; safe twice."""
        self._asked.set()
        self._phase = "Halted"
        for trigger in self.triggers.values():
            with suppress(InspectionError):  # one that ended by itself was told by the watchdog
                trigger.close()
        self._over.set()
        for thread in self._threads:
            thread.join(timeout=5.0)
        self._stack.close()

    def snapshot(self) -> dict[str, Any]:
        """Give the station's state, counters, latencies and queues as plain data."""
        waiting, refused = self.deliveries.waiting(), self.deliveries.set_aside()
        with self._lock:
            return {
                "station": self.station,
                "state": self.state,
                "paused": self.paused,
                "paused_by": asdict(by) if (by := self.paused_by) is not None else None,
                "product": self.product,
                "error_code": self.trouble.code,
                "error": self.trouble.text,
                "triggers": self._counts["triggers"],
                "answers": self._counts["answers"],
                "verdicts": dict(+self._verdicts),
                "queues": {
                    "inbox": self._inbox.qsize(),
                    "pictures": self._pictures.qsize(),
                    "decided": self._decided.qsize(),
                    "owed": self._recorder.owed,
                },
                "outbox": waiting,
                **refused,
                "outputs": self.deliveries.problems(),
                "cameras": {view.name: view.counts() for view in self.views},
                "recipes": {view.name: view.recipes[self.product].id for view in self.views},
                "latency_ms": self.times.quantiles(),
                "stage_totals": self.times.totals(),
            }

    def room(self) -> dict[str, int]:
        """Give how many parts the bounded queues hold at most."""
        return {"inbox": self._inbox.maxsize, "pictures": self._pictures.maxsize}

    # The stages, each in a thread of its own

    def _acquire(self) -> None:
        if self.settings.trigger == "camera":
            self._acquirer.follow(self._take_picture, self._asked)
        else:
            self._acquirer.take_pictures(self._inbox)

    def _judge(self) -> None:
        """Judge each part's pictures; the worst view decides."""
        while not self._over.is_set():
            part = next_of(self._pictures)
            if part is None or part.claimed:
                continue
            self._busy["judge"] = time.monotonic()
            try:
                found = self._unidentified(part) or self._judgement(part)
            except Exception as error:  # a fault of ours must not pass a part, nor stop the line
                found = cannot_inspect(f"unexpected {type(error).__name__}: {error}", None)
            self._busy.pop("judge", None)
            self._decided_as(part, found)

    def _write(self) -> None:
        """Record what is decided, what waits together with one commit, then answer each."""
        while not self._over.is_set() or not self._decided.empty():
            some = waiting_in(self._decided, AT_ONCE)
            if not some:
                self._count_rejected(self._recorder.record_deferred() if self._recorder.owed else 0)
            try:
                for part, record in zip(some, self._recorder.keep_all(some), strict=True):
                    if record is None:
                        return
                    part.mark("store")
                    self._finish(part, record, self._recorder.answer(part, record))
            except OutputError as error:
                self._output_failed(error)

    def _watch(self) -> None:
        """Reject what is late; stop the station when a part is stuck for `stall_s`, or a trigger is dead."""
        while not self._over.wait(WATCH_S):
            now = time.monotonic()
            for part in self._flying():
                if now > part.deadline:
                    self._reject_late(part)
                stuck = now - part.marks["taken"] > self.settings.stall_s
                if stuck and not self.trouble.has(RECORD):
                    waited = self.settings.stall_s
                    self._die(StationStopped(f"a part was not answered within {waited:g} s"))
            for name, since in list(self._busy.items()):
                if now - since > self.settings.stall_s and not self.trouble.has(RECORD):
                    waited = self.settings.stall_s
                    self._die(StationStopped(f"the {name} thread hangs, for {waited:g} s now"))
            self._acquirer.check(self.settings.stall_s)
            for trigger in self.triggers.values():
                trigger.check()
            self.deliveries.check()

    def _answer_late(self) -> None:
        """Tell the line to reject what waits for the record; an output may take its time."""
        allowed = self.settings.deadline_ms
        while not self._over.is_set():
            part = next_of(self._late)
            if part is None:
                continue
            try:
                reason = f"late: not recorded within the {allowed:.0f} ms allowed"
                self._recorder.reject_late(part, reason)
            except OutputError as error:
                self._output_failed(error)

    def _housekeep(self) -> None:
        """Every hour, let pictures go by the station file's rules, and forget answered triggers."""
        from inspection.store import StoreError, retain

        policy = self.settings.retention
        while not self._over.wait(HOUR_S):
            now = datetime.now(UTC)
            with suppress(StoreError):  # tried again in an hour; the record itself tells of trouble
                self.store.prune_triggers(now - timedelta(days=TRIGGERS_DAYS))
                if policy is not None:
                    retain(self.store, policy.as_policy(), now)

    # From one stage to the next

    def _no_recipe(self, product: str) -> str:
        return f"product {product!r}: no recipe for it; allowed: {', '.join(self.products)}"

    def _taken(self, request: TriggerRequest, began: float) -> Part | None:
        """Take a trigger if the station is ready; None if it is not, or knows the trigger already."""
        deadline = began + self.settings.deadline_ms / 1e3
        with self._taking:
            if self._phase != "Ready" or self._asked.is_set() or self._full():
                return None
            if any(p.request.trigger_id == request.trigger_id for p in self._flying()):
                return None
            if self.trouble.has(RECORD) or time.monotonic() > deadline:
                self._recorder.defer(request)
                return None
            if not self._recorder.note(request):
                return None
            part = Part(request, request.product or self._product, deadline)
            part.marks["taken"] = began
            with self._lock:
                self._counts["triggers"] += 1
                self._in_flight[part.part_id] = part
        if part.product not in self.products:
            self._decide(part, self._no_recipe(part.product))
        if self.paused:
            self._decide(part, "the station is paused")
        return part

    def _flying(self) -> list[Part]:
        with self._lock:
            return list(self._in_flight.values())

    def _take_picture(self, request: TriggerRequest, began: float) -> Part | None:
        """Take a picture as a part; where the record is out of reach, tell the line to reject it."""
        part = self._taken(request, began)
        if part is None and self.trouble.has(RECORD):
            self._recorder.refuse(request)
        return part

    def _full(self) -> bool:
        return self.max_parts is not None and self._counts["triggers"] >= self.max_parts

    def _shown(self, part: Part) -> None:
        """Hand a part's pictures on to be judged; meanwhile encode them and put them on the disk."""
        from inspection.store import encode_picture

        assert part.look is not None
        part.picture = Future()
        while not self._over.is_set() and not part.claimed:
            with suppress(queue.Full):
                self._pictures.put(part, timeout=0.1)
                break
        try:
            part.picture.set_result(self._recorder.stage(part, encode_picture(part.look.frame)))
        except BaseException as error:
            part.picture.set_exception(error)
            raise

    def _judgement(self, part: Part) -> Judgement:
        assert part.look is not None
        part.judgements = {
            view.name: view.judge(part.frames[view.name], part.product) for view in self.views
        }
        part.mark("judge")
        return combine_judgements(part.judgements, part.look, part.times_ms())

    def _unidentified(self, part: Part) -> Judgement | None:
        """Read who the part is from its picture; a judgement where that leaves it without a recipe."""
        if self._reader is None:
            return None
        problem = identify(part, self._reader, self.products)
        return cannot_inspect(problem, None) if problem else None

    def _reject_late(self, part: Part) -> None:
        """Decide a part nobody judged in time; one that only waits for the record, answer now."""
        allowed = self.settings.deadline_ms
        if not part.claimed:
            self._decide(part, f"late: no verdict within the {allowed:.0f} ms allowed")
        elif time.monotonic() > part.deadline + GRACE_S and not part.answered:
            with suppress(queue.Full):  # its turn comes again
                self._late.put_nowait(part)

    def _decide(self, part: Part, reason: str) -> None:
        """Reject a part that was not judged."""
        recipe = self.views[0].recipes.get(part.product)
        self._decided_as(part, cannot_inspect(reason, recipe))

    def _decided_as(self, part: Part, judgement: Judgement) -> None:
        if part.claim(judgement):
            self._decided.put(part)

    def _finish(self, part: Part, record: PartRecord, told: InspectionResult) -> None:
        part.mark("answer")
        for stage, ms in part.times_ms().items():
            self.times.add(stage, ms)
        with self._lock:
            self._in_flight.pop(part.part_id, None)
            self._counts["answers"] += 1
            self._verdicts[told.verdict.value] += 1
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

    def _count_rejected(self, count: int) -> None:
        self._verdicts[Verdict.CANNOT_INSPECT.value] += count

    def _changed(self) -> None:
        self.deliveries.state_changed(self)

    def _start(self, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # a thread's end is the station's
                self._die(error)

        name = f"{self.station} {work.__name__.strip('_')}"
        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _output_failed(self, error: OutputError) -> None:
        """A line that cannot be told must not run."""
        self.trouble.set(OUTPUT, str(error))
        self._die(error)

    def _wind_up(self, error: BaseException) -> None:
        """Take no more, finish what is under way, and then stop with this error."""
        self._fatal = self._fatal or error
        self._asked.set()

    def _die(self, error: BaseException) -> None:
        """Stop inspecting; what is under way is recorded as rejected, or told by the journal."""
        with self._lock:
            self._fatal = self._fatal or error
            self._phase = "Error"
            flying = list(self._in_flight.values())
        for part in flying:
            self._decide(part, f"the station stopped: {error}")
        self._over.set()
