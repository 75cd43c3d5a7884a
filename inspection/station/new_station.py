"""A new station's file, from three answers or none: its name, its first product, where pictures come from."""

from __future__ import annotations

import json
from pathlib import Path

from inspection.durable_files import replace_file
from inspection.errors import SetupError
from inspection.station.camera_search import FoundCamera
from inspection.station.station_file import read_station
from inspection.station.station_file_edit import inline

NAME = "station.toml"
PICTURES = "pictures"

_TEXT = """\
# A station. Run it with its page: inspection ui {file}
# The page changes this file and keeps comments; every key is in docs/station-file.md.
station = {station}
record = "parts.db"
deadline_ms = 10000                 # a part without a verdict by then is rejected
{trigger}
# The looks at each part; all must pass. One table each.
[[views]]
name = "main"
camera = {camera}                   # `inspection cameras` lists them; their settings: docs/cameras.md
{settings}
# What may come along the line. Without a recipe file its parts are CANNOT_INSPECT: teach one on the page.
[[products]]
name = {product}
recipe = "{recipe}"
{more}"""
_FROM_CAMERA = 'trigger = "camera"                  # every picture the camera gives is a part\n'
_EVERY_2_S = """
# When a part is there. A PLC, a scanner or a web call: docs/triggers.md
[triggers.interval]
period_s = 2.0
"""


def write_new_station(
    folder: Path, *, station: str = "", product: str = "", camera: str | FoundCamera = ""
) -> Path:
    """Write FOLDER/station.toml and give its path; the folder is made.

    `camera` is one that was found, a folder of pictures, the name of a kind of camera, or a device number or
    address of a video stream; empty: the folder `pictures` beside the file, in which each picture that
    arrives is a part.
    Raises SetupError where there is a station file, or an answer cannot be; nothing is left then.
    """
    path = folder / NAME
    if path.exists():
        raise SetupError(
            f"station file {path}: is there already; give another folder, or change it"
        )
    camera = camera.strip() if isinstance(camera, str) else camera
    text = _text(path, station=station, product=product, camera=camera)
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(path, text.encode())
    except OSError as error:
        raise SetupError(
            f"folder {folder}: cannot be written ({error.strerror or error})"
        ) from error
    try:
        read_station(path)
    except SetupError:
        path.unlink()
        if made:
            folder.rmdir()
        raise
    if not camera:
        (folder / PICTURES).mkdir(exist_ok=True)
    return path


def _text(path: Path, *, station: str, product: str, camera: str | FoundCamera) -> str:
    from cameras import camera_names

    name = product.strip() or "part"
    trigger, more = "", ""
    if isinstance(camera, FoundCamera):
        kind = camera.camera
        settings = f"settings = {inline(camera.device.settings)}        # {camera.device.label}\n"
    elif camera in camera_names() and camera != "folder":
        kind, settings = camera, ""
        more = _EVERY_2_S if camera == "simulated" else ""
    elif camera.isdigit() or "://" in camera:
        kind, settings = (
            "opencv",
            f"[views.settings]\nsource = {camera if camera.isdigit() else _quoted(camera)}\n",
        )
    else:
        place = str(Path(camera).absolute()) if camera else PICTURES
        kind, trigger = "folder", _FROM_CAMERA
        settings = f"[views.settings]\npath = {_quoted(place)}\nwatch = true\n"
    return _TEXT.format(
        file=path,
        station=_quoted(station.strip() or path.absolute().parent.name),
        trigger=trigger,
        camera=_quoted(kind),
        settings=settings,
        product=_quoted(name),
        recipe=f"{recipe_stem(name)}.recipe",
        more=more,
    )


def recipe_stem(name: str) -> str:
    """A plain file name for a product's recipe, without its suffix."""
    stem = "".join(each if each.isascii() and each.isalnum() else "-" for each in name.lower())
    return "-".join(filter(None, stem.split("-"))) or "product"


def _quoted(text: str) -> str:
    """A text as TOML has it; JSON's strings are such."""
    return json.dumps(text, ensure_ascii=False)
