"""Cameras: where pictures come from.

Every module of this folder that does not begin with `_` is one camera, and its name in a recipe or
station file is the module's name. A new file is a new camera; nothing else is edited.
"""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from types import ModuleType

from cameras._genicam.producers import installed_producers
from cameras._picture_files.reading import (
    IMAGE_SUFFIXES,
    decode_image,
    file_bytes,
    list_images,
    read_image,
)
from cameras._reconnect import Reconnecting
from cameras.base import (
    Camera,
    CameraError,
    CameraLost,
    CameraTimeout,
    CameraUnavailable,
    CameraUnsupported,
    Device,
    EndOfStream,
    Frame,
    FrameCount,
    ImageFileError,
)

__all__ = [
    "IMAGE_SUFFIXES",
    "Camera",
    "CameraError",
    "CameraLost",
    "CameraTimeout",
    "CameraUnavailable",
    "CameraUnsupported",
    "Device",
    "EndOfStream",
    "Frame",
    "FrameCount",
    "ImageFileError",
    "Reconnecting",
    "camera_class",
    "camera_names",
    "decode_image",
    "file_bytes",
    "installed_producers",
    "list_images",
    "read_image",
]


def camera_names() -> list[str]:
    """The name of every camera there is, in order, without importing any of them."""
    names = (module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)
    return sorted(name for name in names if not name.startswith("_") and name != "base")


def camera_class(name: str) -> type[Camera]:
    """Import the camera of this name. Raises CameraError for a name there is no file for."""
    if name not in camera_names():
        raise CameraError(f"camera {name!r} does not exist; allowed: {', '.join(camera_names())}")
    try:
        module = import_module(f"{__name__}.{name}")
    except ImportError as exc:
        raise CameraUnavailable(f"camera {name!r} cannot be used here: {exc}") from exc
    kinds = [thing for thing in vars(module).values() if _is_camera_of(module, thing)]
    if len(kinds) != 1:
        raise CameraError(
            f"camera {name!r}: expected one Camera class in its file, got {len(kinds)}"
        )
    kind: type[Camera] = kinds[0]
    return kind


def _is_camera_of(module: ModuleType, thing: object) -> bool:
    """Whether the module defines a camera itself, and not only imports one to build on."""
    is_camera = isinstance(thing, type) and issubclass(thing, Camera)
    return is_camera and thing.__module__ == module.__name__ and not inspect.isabstract(thing)
