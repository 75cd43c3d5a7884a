"""The station: what triggers, outputs and the page may ask, from its opening to its end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from inspection.covered import covered_text
from inspection.errors import InspectionError
from inspection.plant.messages import StationState, Taken, TriggerRequest
from inspection.plant.part_fields import check_request
from inspection.station import pause_file as pause
from inspection.station.alarms import GOES_ON, RECIPE, Alarms
from inspection.station.camera_service import CameraService
from inspection.station.camera_set import CameraSet
from inspection.station.camera_view import CameraView
from inspection.station.delivery import Deliveries
from inspection.station.part import Listener
from inspection.station.parts_in_flight import PartsInFlight
from inspection.station.pause_file import Paused
from inspection.station.pipeline import Pipeline
from inspection.station.plant_trial import TriggerWatch
from inspection.station.released_recipes import ReleasedRecipes
from inspection.station.station_file import StationFile
from inspection.station.status import StatusServer
from inspection.station.stream_watch import StreamWatch

if TYPE_CHECKING:
    from pathlib import Path

    from inspection.monitoring.settings import MonitorSettings
    from inspection.plant.outputs.base import Output
    from inspection.plant.triggers import Trigger
    from inspection.recipe import Recipe
    from inspection.store import Store
    from inspection.store.retention import RetentionPolicy

log = logging.getLogger(__name__)
HOUR_S, TRIGGERS_DAYS = 3600.0, 7


class Station:
    """Cameras, recipes, record, triggers and outputs of one station at work.

    `with Station(...) as station: station.run()`. `run` returns when asked to stop, and raises
    StationStopped for every other reason. It is the `StationInterface` of triggers and outputs.
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
        self.settings, self.store = settings, store
        self.alarms = Alarms(self._changed)
        self.cameras = CameraSet(views, self.alarms)
        self.parts = PartsInFlight()
        self.deliveries = Deliveries(outputs, store, parts=self.parts, review=settings.review)
        self.released = ReleasedRecipes(settings, store, views)
        self.camera_service = CameraService(self.cameras, settings)
        self.pipeline = Pipeline(
            settings,
            cameras=self.cameras,
            store=store,
            parts=self.parts,
            deliveries=self.deliveries,
            alarms=self.alarms,
            camera_service=self.camera_service,
            released=self.released,
            triggers=triggers,
            listeners=listeners,
            max_parts=max_parts,
        )
        self.stream = None if settings.monitor is None else self._stream_watch(settings.monitor)
        self.restarting = False
        """Whether it was asked to end only to be started anew."""
        self.trigger_watch = TriggerWatch()
        self.beside: Mapping[str, Callable[[], str]] = {}
        """What works beside inspecting, each with a way to ask what is wrong with it."""
        self._pausing = threading.Lock()
        self._paused_by: Paused | None = None
        self._stack = ExitStack()

    # What triggers and outputs may ask

    @property
    def station(self) -> str:
        """Name of the station."""
        return self.settings.station

    @property
    def state(self) -> StationState:
        """The station's state in the words of OPC 40100-1."""
        phase = self.pipeline.phase
        if phase != "Ready":
            return phase
        if self.alarms.code not in GOES_ON:
            return "Error"
        if self.paused:
            return "Initialized"
        return "SingleExecution" if self.parts else "Ready"

    @property
    def products(self) -> tuple[str, ...]:
        """Products there is a recipe for."""
        return self.settings.product_names

    @property
    def product(self) -> str:
        """The product parts are judged as now."""
        return self.pipeline.product

    @property
    def error_code(self) -> int:
        """0 when all is well; see `inspection.station.alarms`."""
        return self.alarms.code

    def trigger(self, request: TriggerRequest) -> bool:
        """Take a trigger: note it durably, then queue it. False when the station is not ready.

        Raises Refused where a text of it is longer than any of its kind.
        """
        check_request(request)
        self.trigger_watch.see(request)
        return self.pipeline.trigger(request)

    def taken_before(self, trigger_id: str) -> Taken | None:
        """Whether a trigger of this id was taken already. Raises StoreError."""
        if self.parts.has_trigger(trigger_id):
            return Taken(trigger_id, None)
        known = self.store.trigger_known(trigger_id, station=self.station)
        return Taken(trigger_id, known.number) if known else None

    def change_product(self, product: str) -> None:
        """Judge the parts triggered from now on as this product. Raises InspectionError."""
        if product not in self.products:
            raise InspectionError(self.pipeline.no_recipe(product).sentence)
        self.pipeline.product = product
        self._tell_unreleased()
        self._changed()

    # What the page may ask

    @property
    def views(self) -> list[CameraView]:
        """The views of each part, in the order of the station file."""
        return self.cameras.views

    @property
    def paused(self) -> bool:
        """Whether a person paused inspecting; triggers are then rejected, with that reason."""
        return self.camera_service.paused

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
                self.camera_service.paused = True
                self._paused_by = pause.paused_now(who)
                pause.write(self.settings.page_folder, self._paused_by)
            else:
                self.camera_service.resume()
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

    def recipe_released(self, path: Path, products: list[str]) -> None:
        """Judge by a recipe whose release is in the record now."""
        self.released.released(products, path)
        self._tell_unreleased()

    def confirm_recipe(self, recipe_id: str, *, who: str) -> list[str]:
        """Judge by a recipe that nobody released; give the products. Raises InspectionError."""
        products = self.released.confirm(recipe_id, who=who)
        self._tell_unreleased()
        return products

    def snapshot(self) -> dict[str, Any]:
        """The station's state, counters, latencies (ms) and queues as plain data."""
        paused_by = self.paused_by
        return {
            "station": self.station,
            "state": self.state,
            "paused": self.paused,
            "paused_by": None if paused_by is None else asdict(paused_by),
            "product": self.product,
            "error_code": self.alarms.code,
            "error": covered_text(self.alarms.text),
            **self.parts.totals(),
            "not_judged": self.parts.not_judged(),
            "queues": self.pipeline.queue_lengths(),
            "outbox": self.deliveries.waiting(),
            **self.deliveries.set_aside(),
            "outputs": {
                name: covered_text(text) for name, text in self.deliveries.problems().items()
            },
            "cameras": {view.name: view.counts() for view in self.views},
            "recipes": {
                view.name: view.recipes[self.product].id
                for view in self.views
                if self.product in view.recipes
            },
            "stream": None if self.stream is None else self.stream.snapshot(),
            "beside": {name: covered_text(problem()) for name, problem in self.beside.items()},
            "recipes_changed": [each.as_json() for each in self.released.changed],
            "without_recipe": self.released.without,
            "latency_ms": self.parts.times.quantiles(),
            "stage_totals": self.parts.times.totals(),
        }

    def room(self) -> dict[str, int]:
        """Parts that the bounded queues hold at most."""
        return self.pipeline.room()

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
        self.pipeline.phase = "Initialized"
        self._paused_by = pause.read(self.settings.page_folder)
        self.camera_service.paused = self._paused_by is not None
        self.pipeline.settle_unanswered()
        self.released.compare()
        for view in self.views:
            self._stack.callback(view.close)
            view.camera.open()
        if self.settings.status_port:
            server = StatusServer(self.settings.status_port, self.snapshot)
            server.open()
            self._stack.callback(server.close)
        self._stack.callback(self.deliveries.close)
        self.deliveries.open(self)
        self.pipeline.start(self._housekeep)
        if self.stream is not None:
            self.stream.begin()
            self.pipeline.start(self._watch_stream)
        self.pipeline.open(self)
        self._tell_unreleased()
        self._changed()

    def run(self) -> None:
        """Wait until asked to stop, or until `max_parts` are done. Raises StationStopped."""
        self.pipeline.run()

    def stop(self) -> None:
        """Take no more triggers; `run` returns once those taken are answered. For signal handlers."""
        self.pipeline.stopping.set()

    def close(self) -> None:
        """Stop the threads and let everything go; safe twice."""
        self.pipeline.close()
        self._stack.close()

    def _housekeep(self) -> None:
        """Every hour, let pictures go by the station file's rules, and forget answered triggers."""
        from inspection.store import StoreError, retain

        policy = self.settings.retention
        while not self.pipeline.over.wait(HOUR_S):
            now = datetime.now(UTC)
            with suppress(StoreError):  # tried again in an hour; the record itself tells of trouble
                self.store.prune_triggers(now - timedelta(days=TRIGGERS_DAYS))
                if policy is not None:
                    retain(self.store, self._by_a_clock_to_trust(policy.as_policy(), now), now)

    def _by_a_clock_to_trust(self, policy: RetentionPolicy, now: datetime) -> RetentionPolicy:
        """The rules without that of age, while the record makes one doubt the clock."""
        from inspection.store.retention import clock_doubt

        if policy.rejects_days is None or (doubt := clock_doubt(self.store, now)) is None:
            return policy
        log.warning("rejects_days: no picture is removed for its age: %s", doubt)
        return replace(policy, rejects_days=None)

    def _stream_watch(self, settings: MonitorSettings) -> StreamWatch:
        return StreamWatch(
            settings,
            self.store,
            self.alarms,
            station=self.station,
            shifts=self.settings.shifts,
            told=self.deliveries.event_raised,
        )

    def _watch_stream(self) -> None:
        """Look at the stream of parts until the end."""
        if self.stream is not None:
            self.stream.run(self.pipeline.over)

    def _tell_unreleased(self) -> None:
        """Raise the alarm while parts of the present product are not judged for want of a release."""
        if reason := self.released.withheld(self.product):
            self.alarms.set(RECIPE, reason.sentence)
        else:
            self.alarms.clear(RECIPE)

    def _changed(self) -> None:
        self.deliveries.state_changed(self)
