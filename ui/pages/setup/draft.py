"""The draft of a recipe: set-up, good parts and choices of one product and view, kept on disk.

`page folder/setup/PRODUCT-VIEW-…/` holds `setup.toml`, `draft.json`, `good/`, `thumbs/` and `removed/`.
Any page, also in another browser, finds the same draft.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import tomlkit
from numpy.typing import NDArray

from cameras import IMAGE_SUFFIXES, decode_image, list_images
from inspection.durable_files import replace_file, replace_json, sync_folder
from inspection.errors import SetupError
from inspection.recipe.setup_file import Setup, read_setup, setup_from
from ui.core.drafts import draft_folder

MOST_GOOD = 5000
MOST_BYTES = 50 * 2**20
THUMB_PX = 200
FIRST = "0 "
"""Begins the reference's name in a training, so that it is the first; no other name has a blank."""

_lock = threading.RLock()


@dataclass(frozen=True, slots=True)
class SetupDraft:
    """The draft of one product and view in the station's page folder."""

    page_folder: Path
    product: str
    view: str

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        return draft_folder(self.page_folder, self.product, self.view)

    @property
    def good(self) -> Path:
        """The folder of the good parts."""
        return self.folder / "good"

    def names(self) -> list[str]:
        """Name the good parts, the reference first."""
        if not self.good.is_dir():
            return []
        names = [path.name for path in list_images(self.good)]
        chosen = self.note.get("reference")
        return sorted(names, key=lambda name: name != chosen)

    def path(self, name: str) -> Path:
        """The file of a good part. Raises SetupError for any other."""
        if name not in self.names():
            raise SetupError(f"good part {name[:80]!r}: there is none of this name")
        return self.good / name

    def taught(self) -> dict[str, Path]:
        """The file of each good part by the name it has in a training."""
        names = self.names()
        return {(FIRST if i == 0 else "") + name: self.good / name for i, name in enumerate(names)}

    # Good parts

    def next_name(self, stem: str, suffix: str = ".png") -> str:
        """A name no good part has or had."""
        stem = re.sub(r"[^\w.-]+", "_", stem)[:80].strip("._") or "part"
        number = 1
        while True:
            name = f"{stem}{'' if number == 1 else f'-{number}'}{suffix}"
            if not (self.good / name).exists() and not (self.folder / "removed" / name).exists():
                return name
            number += 1

    def room(self) -> None:
        """Raise SetupError when there are as many good parts as are taken."""
        if len(self.names()) >= MOST_GOOD:
            raise SetupError(f"good parts: {MOST_GOOD} are there, more are not taken; remove some")

    def add(self, data: bytes, name: str) -> str:
        """Keep a picture file as it came, once it is known to be one; give its name here.

        Raises SetupError or CameraError naming the file.
        """
        suffix = Path(name).suffix.lower()
        if suffix not in IMAGE_SUFFIXES:
            allowed = ", ".join(IMAGE_SUFFIXES)
            raise SetupError(f"picture {name[:80]!r}: type {suffix or 'none'}; allowed: {allowed}")
        if len(data) > MOST_BYTES:
            size = f"{len(data) / 2**20:.0f} MB"
            raise SetupError(f"picture {name[:80]!r}: {size}; at most {MOST_BYTES >> 20} MB")
        image = decode_image(data, name, bits=self.setup().bits)
        with _lock:
            self.room()
            kept = self.next_name(Path(name).stem, suffix)
            replace_file(self.good / kept, data, private=True)
        self.make_thumb(kept, image)
        return kept

    def make_thumb(self, name: str, image: NDArray[Any] | None = None) -> None:
        """Make the small picture of a good part."""
        image = self.setup().read_picture(self.good / name) if image is None else image
        scale = THUMB_PX / max(image.shape[:2])
        size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        bgr = small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
        thumb = self.folder / "thumbs" / f"{name}.jpg"
        data = cv2.imencode(".jpg", bgr)[1].tobytes()
        replace_file(thumb, data, private=True, sync=False)

    def thumb(self, name: str) -> Path:
        """The small picture of a good part."""
        self.path(name)
        found = self.folder / "thumbs" / f"{name}.jpg"
        if not found.is_file():
            self.make_thumb(name)
        return found

    def remove(self, names: Iterable[str]) -> list[str]:
        """Take good parts out, not off the disk; give those that were there."""
        return self._move(self.good, self.folder / "removed", names)

    def restore(self, names: Iterable[str]) -> list[str]:
        """Bring removed parts back."""
        return self._move(self.folder / "removed", self.good, names)

    def removed(self) -> list[str]:
        """Name the parts that were taken out, the latest last."""
        folder = self.folder / "removed"
        if not folder.is_dir():
            return []
        return [path.name for path in sorted(list_images(folder), key=lambda p: p.stat().st_ctime)]

    def _move(self, source: Path, target: Path, names: Iterable[str]) -> list[str]:
        if not source.is_dir():
            return []
        target.mkdir(parents=True, exist_ok=True)
        with _lock:
            there = {path.name for path in list_images(source)}
            moved = [name for name in names if name in there]
            for name in moved:
                (source / name).rename(target / name)
            sync_folder(target)
            sync_folder(source)
        return moved

    # Set-up and choices

    @property
    def note(self) -> dict[str, Any]:
        """What else was chosen: `reference`, `options`, `camera`; and whether somebody `looked`."""
        try:
            found = json.loads((self.folder / "draft.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write_note(self, **fields: Any) -> None:
        """Keep some of the choices; the others stay."""
        with _lock:
            self.folder.mkdir(parents=True, exist_ok=True)
            replace_json(self.folder / "draft.json", {**self.note, **fields})

    @property
    def setup_path(self) -> Path:
        """The set-up file, as `inspection train --setup` takes it."""
        return self.folder / "setup.toml"

    def setup(self) -> Setup:
        """The set-up as it is; an empty one for a new draft. Raises SetupError."""
        if not self.setup_path.exists():
            return Setup(product=self.product)
        return read_setup(self.setup_path)

    def readable_setup(self) -> Setup:
        """The same; an empty one where the file is damaged."""
        try:
            return self.setup()
        except SetupError:
            return Setup(product=self.product)

    def looked(self) -> None:
        """Note that somebody saw what the camera sees."""
        if not self.note.get("looked"):
            self.write_note(looked=True)

    def checked(self, data: Mapping[str, Any]) -> tuple[Setup, bool]:
        """Check a set-up and say whether it is another than is kept.

        Raises SetupError naming the thing that is wrong.
        """
        setup = setup_from({**data, "product": self.product}, where="set-up")
        size = setup.reference_size_px
        inspected = None if size is None else setup.inspected(size)
        if inspected is not None and not inspected.any():
            raise SetupError("set-up: roi: nothing is left to inspect; make it larger")
        kept = self.setup_path.read_text("utf-8") if self.setup_path.exists() else None
        return setup, kept != as_toml(setup)

    def keep_setup(self, setup: Setup) -> None:
        """Keep a set-up that was checked."""
        replace_file(self.setup_path, as_toml(setup).encode(), private=True)


def as_toml(setup: Setup) -> str:
    """Write a set-up as `inspection.recipe.setup_file.read_setup` reads it."""
    plain = {name: value for name, value in asdict(setup).items() if value not in (None, (), "")}
    document = tomlkit.document()
    tables = {name: plain.pop(name) for name in ("align", "zones") if name in plain}
    for name, value in plain.items():
        document.add(name, tomlkit.item(_listed(value)))
    if "align" in tables:
        document.add("align", tomlkit.item(tables["align"]))
    if "zones" in tables:
        zones = tomlkit.aot()
        for zone in tables["zones"]:
            given = {name: value for name, value in zone.items() if value is not None}
            zones.append(tomlkit.item(_listed(given)))
        document.add("zones", zones)
    return tomlkit.dumps(document)


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _listed(each) for name, each in value.items()}
    return [_listed(each) for each in value] if isinstance(value, (list, tuple)) else value
