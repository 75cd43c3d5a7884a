"""Labelled parts as a dataset in the MVTec layout, for training and for trying recipes.

NAME/train/good/00000012.png
NAME/test/good/00000047.png
NAME/test/scratch/00000031.png
NAME/ground_truth/scratch/00000031_mask.png
NAME/dataset.json
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

from inspection.durable_files import sync_folder, sync_tree
from inspection.errors import InspectionError
from inspection.labels.defect_types import folder_of, is_name
from inspection.labels.labels import OK, Label
from inspection.labels.masks import MaskError, Masks
from inspection.store import PartRecord, Store

FOLDER = "datasets"
MANIFEST = "dataset.json"
FORMAT = 1
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,38}[A-Za-z0-9])?", re.ASCII)
UNNAMED = "defect"
"""Folder of NG parts whose type nobody named."""
RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)


class DatasetError(InspectionError):
    """A dataset cannot be made or read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One part for the dataset: its record, and the label people came to."""

    record: PartRecord
    label: Label


@dataclass(slots=True)
class Counts:
    """What came into a dataset and what had to be left out, by why."""

    train_good: int = 0
    test: Counter[str] = field(default_factory=Counter)
    masks: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """Return the counts as plain data."""
        return {
            "train_good": self.train_good,
            "test": dict(sorted(self.test.items())),
            "masks": self.masks,
            "left_out": dict(sorted(self.left_out.items())),
        }


class DatasetDraft:
    """A dataset written aside; `place` gives it its name, `discard` takes it away."""

    def __init__(self, folder: Path, name: str) -> None:
        if not NAME.fullmatch(name) or name.casefold() in RESERVED:
            raise DatasetError(
                f"dataset {name!r}: a name has 1 to 40 letters (a to z), digits, '-' or '_', "
                "and begins and ends with a letter or digit"
            )
        self.target = folder / name
        if self.target.exists():
            raise DatasetError(f"dataset {name}: is there already; give another name")
        _sweep(folder)
        self.aside = folder / f".{name}.{token_hex(6)}.part"
        self.counts = Counts()
        self._entries: list[dict[str, Any]] = []

    def write(
        self, chosen: Iterable[Chosen], store: Store, masks: Masks, *, test_percent: int
    ) -> Counts:
        """Copy pictures and masks. Raises DatasetError, and then nothing is left."""
        try:
            for each in chosen:
                self._add(each, store, masks, test_percent)
            self._finish(test_percent)
            sync_tree(self.aside)
        except OSError as error:
            self.discard()
            raise DatasetError(
                f"dataset {self.target.name}: cannot be written ({error.strerror or error})"
            ) from error
        except BaseException:
            self.discard()
            raise
        return self.counts

    def place(self) -> Path:
        """Put the dataset under its name. Raises DatasetError where the name was taken meanwhile."""
        try:
            self.aside.rename(self.target)
        except OSError as error:
            self.discard()
            raise DatasetError(
                f"dataset {self.target.name}: is there already; give another name"
            ) from error
        sync_folder(self.target.parent)
        return self.target

    def discard(self) -> None:
        """Take away what was written."""
        shutil.rmtree(self.aside, ignore_errors=True)

    def _add(self, each: Chosen, store: Store, masks: Masks, test_percent: int) -> None:
        record, label = each.record, each.label
        kind, split = _place(each, test_percent)
        data = _picture(store, record)
        mask = None if kind == "good" else _mask(masks, label)
        if isinstance(data, str) or isinstance(mask, str):
            self.counts.left_out[data if isinstance(data, str) else str(mask)] += 1
            return
        assert record.image is not None
        stem = f"{record.number:08d}"
        picture = self.aside / split / kind / f"{stem}{Path(record.image).suffix}"
        _write(picture, data)
        if mask is not None:
            _write(self.aside / "ground_truth" / kind / f"{stem}_mask.png", mask)
            self.counts.masks += 1
        if split == "train":
            self.counts.train_good += 1
        else:
            self.counts.test[kind] += 1
        self._entries.append(_entry(each, picture.relative_to(self.aside)))

    def _finish(self, test_percent: int) -> None:
        if not self._entries:
            left_out = "; ".join(f"{n}: {why}" for why, n in self.counts.left_out.items())
            raise DatasetError(
                f"dataset {self.target.name}: no labelled part to put in ({left_out or 'none fits'})"
            )
        told = {
            "format": FORMAT,
            "made_at": datetime.now(UTC).isoformat(),
            "test_percent": test_percent,
            "counts": self.counts.as_json(),
            "parts": self._entries,
        }
        _write(self.aside / MANIFEST, json.dumps(told, indent=1).encode())


def datasets(folder: Path) -> list[dict[str, Any]]:
    """List name, time and counts of each dataset in a folder, the newest first."""
    found = []
    for path in folder.glob(f"*/{MANIFEST}"):
        if not NAME.fullmatch(path.parent.name):
            continue
        try:
            told = json.loads(path.read_text("utf-8"))
            about = {key: told[key] for key in ("made_at", "counts")}
        except (OSError, ValueError, KeyError, TypeError):
            continue
        found.append({"name": path.parent.name, **about})
    return sorted(found, key=lambda each: str(each["made_at"]), reverse=True)


def in_test(part_id: str, test_percent: int) -> bool:
    """Whether a good part is kept for testing; always the same answer for one part."""
    return hashlib.sha256(part_id.encode()).digest()[0] * 100 < test_percent * 256


def _place(each: Chosen, test_percent: int) -> tuple[str, str]:
    if each.label.label == OK:
        return "good", "test" if in_test(each.record.part_id, test_percent) else "train"
    defect = each.label.defect
    return folder_of(defect) if defect and is_name(defect) else UNNAMED, "test"


def _picture(store: Store, record: PartRecord) -> bytes | str:
    """Read the picture as recorded, or in a word why it cannot be used."""
    path = store.image_path(record)
    if path is None:
        return "no_picture"
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return "no_picture"
    return data if hashlib.sha256(data).hexdigest() == record.image_sha256 else "changed_picture"


def _mask(masks: Masks, label: Label) -> bytes | str | None:
    """Read the mask as recorded, None where nobody painted one, or in a word why it cannot be used."""
    if label.mask is None:
        return None
    try:
        return masks.read(label.mask, label.sha256)
    except MaskError:
        return "changed_mask"


def _entry(each: Chosen, picture: Path) -> dict[str, Any]:
    record, label = each.record, each.label
    return {
        "picture": picture.as_posix(),
        "part_id": record.part_id,
        "recipe_id": record.recipe_id,
        "sha256": record.image_sha256,
        "label": label.label,
        "defect": label.defect,
        "mask_sha256": label.sha256,
        "who": label.who,
        "label_number": label.number,
    }


def _sweep(folder: Path) -> None:
    """Take away what a crash left of datasets an hour ago or longer."""
    for path in folder.glob(".*.part"):
        if path.is_dir() and path.stat().st_mtime < time.time() - 3600:
            shutil.rmtree(path, ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)
