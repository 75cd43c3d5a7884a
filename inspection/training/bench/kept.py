"""Outcomes of runs in files, so that what was measured is not measured again: a killed bench goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from inspection.durable_files import replace_json
from inspection.errors import InspectionError
from inspection.training.bench.runs import Outcome
from inspection.training.dataset_folder import good_files, test_files

FORMAT = 1


class KeptOutcomes:
    """A folder with one file a run, named after all that was asked of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, asked: Mapping[str, Any]) -> Outcome | None:
        """What a run came to, or None where it was not measured yet. Raises InspectionError."""
        path = self._path(asked)
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return Outcome.from_json(found["outcome"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InspectionError(
                f"bench: {path} holds no outcome of a run ({error}); delete it to measure it again"
            ) from error

    def write(self, asked: Mapping[str, Any], outcome: Outcome) -> None:
        """Keep what a run came to. Raises OSError."""
        self.folder.mkdir(exist_ok=True)
        content = {"format": FORMAT, "asked": dict(asked), "outcome": outcome.as_json()}
        replace_json(self._path(asked), content)

    def _path(self, asked: Mapping[str, Any]) -> Path:
        """One file for each dataset, contender, number of good pictures, seed, setting and version."""
        words = [str(asked[name]) for name in ("dataset", "contender", "n_good", "seed")]
        name = "-".join("".join(c if c.isalnum() else "_" for c in word) for word in words)
        told = {"format": FORMAT, "version": version("inspection"), **asked}
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]
        return self.folder / f"{name}-{digest}.json"


def contents(dataset: Path) -> str:
    """What tells a dataset from a changed one: the names and sizes of its pictures."""
    files = [*good_files(dataset), *(item.path for item in test_files(dataset))]
    rows = [f"{path.relative_to(dataset).as_posix()} {path.stat().st_size}" for path in files]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
