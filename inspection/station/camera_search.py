"""Which cameras are there: every kind that can looks for its devices, at once and in a bounded time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from cameras import CameraUnsupported, Device, camera_class, camera_names
from inspection.errors import InspectionError
from inspection.station.own_process import ask
from inspection.station.station_file_edit import inline

LOOK_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSearch:
    """The devices of one kind of camera; `problem` says in one line why none could be looked for."""

    camera: str
    devices: tuple[Device, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCamera:
    """A device, with the kind of camera that found it."""

    camera: str
    device: Device


def found_cameras(searches: Iterable[CameraSearch]) -> list[FoundCamera]:
    """Every device of a search."""
    return [
        FoundCamera(camera=each.camera, device=device)
        for each in searches
        for device in each.devices
    ]


def look() -> list[CameraSearch]:
    """Look for the devices of every kind of camera; what is missing or hangs is told, and takes no longer."""
    names = camera_names()
    with ThreadPoolExecutor(len(names)) as pool:
        return list(pool.map(_look, names))


def view_lines(camera: str, settings: Mapping[str, Any]) -> str:
    """The two lines of a `[[views]]` table of the station file."""
    return f"camera = {inline(camera)}\nsettings = {inline(settings)}"


def _look(camera: str) -> CameraSearch:
    if (missing := camera_class(camera).missing()) is not None:
        return CameraSearch(camera=camera, problem=missing)
    try:
        answer = ask(
            f"{__name__}:devices_of",
            what=f"camera {camera}",
            timeout_s=LOOK_S,
            given={"camera": camera},
        )
    except InspectionError as error:
        return CameraSearch(camera=camera, problem=str(error))
    devices = tuple(Device(**each) for each in answer["devices"])
    return CameraSearch(camera=camera, devices=devices, problem=answer["problem"])


def devices_of(camera: str) -> dict[str, Any]:
    """The devices of one kind of camera, as plain data. Raises CameraError."""
    try:
        devices = camera_class(camera).find()
    except CameraUnsupported as error:
        return {"devices": [], "problem": str(error)}
    return {
        "devices": [asdict(each) | {"label": _printable(each.label)} for each in devices],
        "problem": None,
    }


def _printable(label: str) -> str:
    """A device's name without what it should not hold; it goes into a comment of a file."""
    return " ".join("".join(c if c.isprintable() else " " for c in label).split())
