"""What a page may ask of a station."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inspection.errors import InspectionError
from inspection.judgement import Verdict
from inspection.judging.judge import load_recipe
from inspection.local_api.diagnostics import Diagnostics
from inspection.local_api.feed import Feed
from inspection.plant.messages import TriggerRequest
from inspection.recipe import open_recipe
from inspection.station.plant_trial import as_message, trial_result
from inspection.station.station import Station
from inspection.station.troubles import troubles
from inspection.store.event_kinds import ActionKind, EventKind

LONGEST_WAIT_S = 20.0


class StationCommands:
    """What the page may ask of a station; each public verb takes and gives plain data."""

    def __init__(self, station: Station, live: Feed) -> None:
        self.station, self.live = station, live
        self._recipes = threading.Lock()
        self.diagnostics = Diagnostics(station)

    def trigger(self, *, who: str, serial: str | None = None, lot: str | None = None) -> Any:
        """Trigger one part by hand."""
        request = TriggerRequest(source=f"page: {who}", serial=serial, lot=lot)
        if not self.station.trigger(request):
            raise InspectionError(f"not triggered: the station is {self.station.state}")
        return {"trigger_id": request.trigger_id}

    def pause(self, *, who: str) -> Any:
        """Pause inspecting; triggers are rejected meanwhile."""
        self.station.pause(paused=True, who=who)
        return self._noted(ActionKind.PAUSED, who)

    def resume(self, *, who: str) -> Any:
        """Go on inspecting."""
        self.station.pause(paused=False)
        return self._noted(ActionKind.RESUMED, who)

    def product(self, *, who: str, product: str) -> Any:
        """Change over to another product."""
        before = self.station.product
        self.station.change_product(product)
        return self._noted(ActionKind.PRODUCT_CHANGED, who, {"from": before, "to": product})

    def event(self, *, part_id: str, kind: EventKind, who: str, detail: Mapping[str, Any]) -> Any:
        """Record what a person did about a part, such as a label."""
        done = self.station.store.add_event(part_id, kind, who, detail=detail)
        return {"number": done.number}

    def action(self, *, kind: ActionKind, who: str, detail: Mapping[str, Any]) -> Any:
        """Record what a person did that is about no one part."""
        return self._noted(kind, who, detail)

    def recipe(self, *, who: str, path: str) -> Any:
        """Open a recipe file anew, check it on this machine, and judge by it from now on."""
        with self._recipes:  # two at once could end in the wrong order
            recipe = load_recipe(Path(path), device=self.station.settings.device)
            if open_recipe(Path(path)).id != recipe.id:
                raise InspectionError(
                    f"recipe {path}: the file was exchanged while it was read; put it on the line again"
                )
            products = self.station.put_recipe(Path(path), recipe)
            noted = self._noted(
                ActionKind.RECIPE_ON_LINE,
                who,
                {"recipe_id": recipe.id, "file": path, "products": products},
            )
            self.station.recipe_released(Path(path), products)
            return noted

    def confirm(self, *, who: str, recipe_id: str) -> Any:
        """Judge by a recipe that was not put on the line from the page."""
        return {"products": self.station.confirm_recipe(recipe_id, who=who)}

    def restart(self, *, who: str) -> Any:
        """End once the parts under way are answered, to be started anew with the station file as it is."""
        noted = self._noted(ActionKind.STATION_RESTARTED, who)
        self.station.restarting = True
        self.station.stop()
        return noted

    def take(self, *, who: str, view: str, path: str) -> Any:
        """Take a picture that is no part into a new file; the station must be paused."""
        frame = self.station.camera_service.save(view, Path(path))
        return {"height_px": frame.image.shape[0], "width_px": frame.image.shape[1]}

    def camera(self, *, who: str, view: str, settings: Mapping[str, Any]) -> Any:
        """Open a camera anew with other settings; the station must be paused."""
        applied = self.station.camera_service.change(view, settings)
        self._noted(ActionKind.CAMERA_CHANGED, who, {"view": view, "settings": dict(settings)})
        return {"applied": applied}

    def test_output(self, *, who: str, output: str, verdict: str) -> Any:
        """Send a result marked as a test to one output at work; to one that answers the line, only paused."""
        known = self.station.deliveries.outputs
        if output not in known:
            raise InspectionError(f"output {output[:64]!r}: is not at work; there are: {[*known]}")
        if not known[output].queued and not self.station.paused:
            raise InspectionError(
                f"output {output}: the line takes what it sends for a part's; pause the station first"
            )
        result = trial_result(self.station.station, Verdict(verdict), who)
        self.station.deliveries.test(output, result)
        return {"delivery_id": result.delivery_id}

    def next_trigger(self, *, who: str, timeout_s: float) -> Any:
        """Wait for the next trigger of a paused station, which rejects it as any; None when none comes."""
        if not self.station.paused:
            raise InspectionError("the station is inspecting; pause it before a test trigger")
        return {
            "trigger": as_message(self.station.trigger_watch.next(min(timeout_s, LONGEST_WAIT_S)))
        }

    def parity(self, *, who: str) -> Any:
        """Judge the references of the recipes on the line again."""
        found = self.diagnostics.check_parity()
        self._noted(ActionKind.PARITY_CHECKED, who, {"recipes": found})
        return {"recipes": found}

    def status(self) -> dict[str, Any]:
        """Say how the station is doing, as the pages show it."""
        return {**status(self.station), **self.diagnostics.as_json()}

    def _noted(self, kind: ActionKind, who: str, detail: Mapping[str, Any] | None = None) -> Any:
        return {"number": self.station.store.add_action(kind, who, detail=detail or {}).number}


VERBS = (
    "trigger", "pause", "resume", "product", "event", "action", "recipe", "confirm", "restart", "take", "camera",
    "parity", "test_output", "next_trigger",
)  # fmt: skip


def status(station: Station) -> dict[str, Any]:
    """Say how the station is doing, as the pages show it."""
    place = station.store.archive.root
    try:
        disk: dict[str, float] = {"free_gb": shutil.disk_usage(place).free / 1e9}
    except OSError:
        disk = {}
    policy = station.settings.retention
    if policy is not None and policy.free_gb is not None:
        disk["floor_gb"] = policy.free_gb
    states = {view.name: view.camera.state for view in station.views}
    found = {
        "type": "status",
        "at_ms": 1e3 * time.time(),
        **station.snapshot(),
        "products": list(station.products),
        "camera_states": states,
        "disk": disk,
    }
    return {**found, "troubles": [each.as_json() for each in troubles(found)]}
