"""Write a GenICam camera's features at open and read back what it made of them.

Every feature that matters is written, because a camera keeps those of whoever used it before.
Names are those of GenICam's SFNC; older cameras have some under a second name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from cameras._genicam.pixel_formats import PIXEL_FORMATS, pfnc_name
from cameras.base import CameraUnsupported, Setting

Features = Mapping[str, Setting | None]
"""Values by our names of the features; None leaves a feature as the camera has it."""

NODES: dict[str, tuple[str, ...]] = {
    "pixel_format": ("PixelFormat",),
    "width": ("Width",),
    "height": ("Height",),
    "offset_x": ("OffsetX",),
    "offset_y": ("OffsetY",),
    "exposure_auto": ("ExposureAuto",),
    "exposure_time_us": ("ExposureTime", "ExposureTimeAbs"),
    "gain_db": ("Gain",),
    "acquisition_frame_rate": ("AcquisitionFrameRate", "AcquisitionFrameRateAbs"),
    "trigger_mode": ("TriggerMode",),
    "trigger_source": ("TriggerSource",),
    "trigger_activation": ("TriggerActivation",),
    "trigger_delay_us": ("TriggerDelay", "TriggerDelayAbs"),
}
"""Our name of a setting, and the names of its node; written in this order."""

_BEFORE: dict[str, dict[str, Setting]] = {
    "exposure_time_us": {"ExposureAuto": "Off"},
    "gain_db": {"GainAuto": "Off"},
    "acquisition_frame_rate": {"AcquisitionFrameRateEnable": True},
}
_NEEDS_ROOM = ("width", "height")


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """What a driver does with its camera's nodes, by their SFNC names.

    `readable` says whether a node is there now; `entries` lists the values of an enumeration. Each
    may raise one of `refusals`, `write` also TypeError, for what the camera does not take.
    """

    readable: Callable[[str], bool]
    read: Callable[[str], Setting]
    write: Callable[[str, Setting], None]
    entries: Callable[[str], list[str]]
    refusals: tuple[type[Exception], ...]

    def has(self, node: str) -> bool:
        """Whether the camera has the node and it can be read now."""
        try:
            return self.readable(node)
        except self.refusals:
            return False


def apply_features(nodes: Nodes, features: Features, camera: str) -> dict[str, Setting]:
    """Write the features and return all that the camera then has, read back.

    `trigger_source` "Off" turns the trigger off; `camera` is the driver's name, for messages. Raises
    CameraUnsupported with what is supported.
    """
    _write_trigger(nodes, features, camera)
    if any(features.get(name) is not None for name in _NEEDS_ROOM):
        for node in ("OffsetX", "OffsetY"):  # a larger picture fits only where it begins at 0
            _write_if_there(nodes, node, 0)
    for name, value in features.items():
        if value is not None and not name.startswith("trigger_"):
            _write(nodes, name, value, camera)
    return _read_back(nodes, camera)


def message(error: Exception) -> str:
    """An SDK's message without the place in its source, which GenApi appends after a colon."""
    return str(error).split(" : ")[0].strip()


def _write_trigger(nodes: Nodes, features: Features, camera: str) -> None:
    source = str(features.get("trigger_source") or "Off")
    switchable = nodes.has("TriggerMode") and nodes.has("TriggerSource")
    supported = ["Off", *(nodes.entries("TriggerSource") if switchable else [])]
    _refuse_unless(camera, "trigger_source", source, supported)
    _write_if_there(nodes, "AcquisitionMode", "Continuous")
    _write_if_there(nodes, "TriggerSelector", "FrameStart")
    _write_if_there(nodes, "TriggerMode", "Off" if source == "Off" else "On")
    if source == "Off":
        return
    nodes.write("TriggerSource", source)
    for name in ("trigger_activation", "trigger_delay_us"):
        if (value := features.get(name)) is not None:
            _write(nodes, name, value, camera)


def _write(nodes: Nodes, name: str, value: Setting, camera: str) -> None:
    node = _node(nodes, name)
    if node is None:
        supported = [name for name in NODES if name != "trigger_mode" and _node(nodes, name)]
        shown = f"supported: {', '.join(supported)}"
        raise CameraUnsupported(f"camera {camera}: it has no {name} ({value!r} wanted); {shown}")
    if isinstance(value, str):
        value = _entry(nodes, name, node, value, camera)
    for before, needed in _BEFORE.get(name, {}).items():
        _write_if_there(nodes, before, needed)
    refused = f"camera {camera}: {name} {value!r} is refused"
    try:
        nodes.write(node, value)
    except TypeError as exc:
        kind = type(value).__name__
        raise CameraUnsupported(f"{refused}: a {kind} does not fit") from exc
    except nodes.refusals as exc:
        raise CameraUnsupported(f"{refused}: {message(exc)}") from exc


def _entry(nodes: Nodes, name: str, node: str, value: str, camera: str) -> str:
    """The camera's own spelling of an enumeration's entry. Raises CameraUnsupported."""
    entries = nodes.entries(node)
    if name == "pixel_format":
        entries = [entry for entry in entries if pfnc_name(entry) in PIXEL_FORMATS]
        entries.sort(key=lambda entry: pfnc_name(entry) != pfnc_name(value))
        if entries and pfnc_name(entries[0]) == pfnc_name(value):
            return entries[0]
    _refuse_unless(camera, name, value, entries)
    return value


def _read_back(nodes: Nodes, camera: str) -> dict[str, Setting]:
    there = {name: node for name in NODES if (node := _node(nodes, name))}
    applied = {name: nodes.read(node) for name, node in there.items()}
    if applied.pop("trigger_mode", "Off") == "Off":
        applied["trigger_source"] = "Off"
    if "pixel_format" in applied:
        applied["pixel_format"] = pfnc_name(str(applied["pixel_format"]))
        _refuse_unless(camera, "pixel_format", applied["pixel_format"], PIXEL_FORMATS)
    if applied.get("exposure_auto", "Off") != "Off":
        applied.pop("exposure_time_us", None)  # it changes from picture to picture
    return applied


def _node(nodes: Nodes, name: str) -> str | None:
    return next((node for node in NODES[name] if nodes.has(node)), None)


def _write_if_there(nodes: Nodes, node: str, value: Setting) -> None:
    if nodes.has(node) and nodes.read(node) != value:
        nodes.write(node, value)


def _refuse_unless(camera: str, name: str, value: Setting, supported: Iterable[Setting]) -> None:
    if value not in (allowed := list(supported)):
        shown = ", ".join(map(str, allowed)) or "nothing"
        raise CameraUnsupported(
            f"camera {camera}: {name} {value!r} is not supported; supported: {shown}"
        )
