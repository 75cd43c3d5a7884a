"""From a station file to a station at work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from inspection.plant.outputs import output_class
from inspection.plant.triggers import trigger_class
from inspection.station.build import make_component, make_view
from inspection.station.part import Listener
from inspection.station.recipe_library import settle_exchanges
from inspection.station.station import Station
from inspection.station.station_file import StationFile

if TYPE_CHECKING:
    from inspection.station.camera_view import CameraView
    from inspection.store import Store


def _views(settings: StationFile, store: Store) -> list[CameraView]:
    settle_exchanges(settings, store)
    return [make_view(view, settings) for view in settings.views]


@contextmanager
def station_at_work(
    settings: StationFile,
    *,
    listeners: tuple[Listener, ...] = (),
    max_parts: int | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Iterator[Station]:
    """Open the record, the recipes and everything else a station file names; Ready when entered.

    The station page, if there is one, finds the station through its `page_folder`; `tell` gets a
    line when that cannot be, and inspecting goes on.
    """
    from inspection.local_api.commands import StationCommands, status
    from inspection.local_api.feed import Feed
    from inspection.local_api.server import ControlServer
    from inspection.notifications import Notifications
    from inspection.reports.schedule import ReportSchedule
    from inspection.store import open_store

    live = Feed()
    home = settings.home
    outputs = {
        name: make_component(output_class(name), given, f"outputs.{name}", home)
        for name, given in settings.outputs.items()
    }
    triggers = {
        name: make_component(trigger_class(name), given, f"triggers.{name}", home)
        for name, given in settings.triggers.items()
    }
    with (
        Notifications(settings) as notifications,
        open_store(settings.record, images=settings.images) as store,
        Station(
            settings,
            views=_views(settings, store),
            store=store,
            outputs=outputs,
            triggers=triggers,
            listeners=(live, *listeners),
            max_parts=max_parts,
        ) as station,
        ReportSchedule(settings) as reports,
        ControlServer(StationCommands(station, live), settings.page_folder, tell=tell),
    ):
        station.beside = {
            "report": lambda: reports.problem,
            "notify": lambda: notifications.problem,
        }
        notifications.watch(lambda: status(station))
        yield station
