"""Ours against anomalib's models: same backbone, pictures and size, in one run."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cameras import read_image
from inspection.errors import InspectionError
from inspection.training.dataset_folder import TestPicture, good_files, test_files
from inspection.training.metrics import LabelledPixels
from inspection.training.options import TrainingOptions
from inspection.training.statistics import STATISTICS, Evaluation, ScoredTestSet
from models import Progress, trainable

OURS = "ours"
WARM_UP = 5
RIVALS = ("patchcore", "mh_patchcore", "padim")
FIELDS = (
    "fit_seconds",
    "ms_per_image",
    "peak_memory_mb",
    *(each.name for each in STATISTICS if each.comparable),
)
RATIOS = ("x_backbone", "fit_x_feature_pass", "ms_x_ours", "fit_x_ours")
"""The first two are of ours, the others of the rest."""


def bench(
    datasets: Sequence[Path],
    *,
    contenders: Sequence[str],
    image_size_px: int,
    backbone: str,
    progress: Progress,
) -> list[dict[str, Any]]:
    """Teach and time each contender on each dataset, each in a process of its own.

    One row a pair: the FIELDS and the RATIOS. Pixel figures are None without masks. Raises
    InspectionError for an unknown contender or a dataset with too few test pictures.
    """
    unknown = [name for name in contenders if name not in (OURS, *RIVALS)]
    if unknown:
        raise InspectionError(
            f"bench: no contender {unknown[0]!r}; there are: {', '.join((OURS, *RIVALS))}"
        )
    trainable(TrainingOptions().model)
    if set(contenders) - {OURS} and find_spec("anomalib") is None:
        raise InspectionError("bench: anomalib is not installed; pip install 'inspection[train]'")
    rows = []
    pairs = [(dataset, name) for dataset in datasets for name in contenders]
    for number, (dataset, name) in enumerate(pairs):
        progress("Benchmark", number, len(pairs))
        items = test_files(dataset)
        if not any(item.defective for item in items) or len(items) <= WARM_UP:
            raise InspectionError(
                f"dataset {dataset}: bench needs test/good and test/DEFECT folders with more than "
                f"{WARM_UP} pictures, got {len(items)}"
            )
        run = _ours if name == OURS else _rival
        figures = run(name, dataset, items, image_size_px, backbone)
        rows.append({"dataset": dataset.name, "model": name, "image_size": image_size_px} | figures)
    progress("Benchmark", len(pairs), len(pairs))
    return _beside_ours(rows)


def _beside_ours(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to each other's row how many times as long it takes as ours on the same dataset."""
    ours = {row["dataset"]: row for row in rows if row["model"] == OURS}
    for row in rows:
        if row["model"] != OURS and (own := ours.get(row["dataset"])):
            row["fit_x_ours"] = row["fit_seconds"] / own["fit_seconds"]
            row["ms_x_ours"] = row["ms_per_image"] / own["ms_per_image"]
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    titles = ("dataset", "model", *FIELDS, *RATIOS)
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for row in rows:
        cells = [_cell(row.get(title)) for title in titles]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _ours(
    name: str, dataset: Path, items: list[TestPicture], size: int, backbone: str
) -> dict[str, Any]:
    """Run `measure_ours` in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "ours.json")
        command = [
            sys.executable,
            "-m",
            "inspection.training.bench",
            str(dataset),
            str(size),
            backbone,
            str(out),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["no message"]
            raise InspectionError(f"bench of {name} on {dataset}: {said[-1]}")
        return dict(json.loads(out.read_text()))


def measure_ours(dataset: Path, *, image_size_px: int, backbone: str) -> dict[str, Any]:
    """Train and evaluate here; times from files to recipe, and from decoded picture to judgement."""
    import scipy.special  # noqa: F401  libraries are loaded before the clock starts, for all alike

    from inspection.recipe import open_recipe
    from inspection.recipe.setup_file import Setup
    from inspection.training.evaluate import evaluate
    from inspection.training.train import train_recipe
    from models._comparison.bare_backbone import load_libraries
    from models._comparison.process_memory import peak_memory_mb

    load_libraries()
    options = TrainingOptions(image_size_px=image_size_px, backbone=backbone)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bench.recipe")
        report = train_recipe(dataset, path, options=options, setup=Setup())
        peak_mb = peak_memory_mb()
        recipe = open_recipe(path)
    paired = _against_backbone(recipe, dataset, backbone, report.n_good)
    figures = evaluate(recipe, dataset).as_json()
    return (
        figures
        | {
            "fit_seconds": report.seconds,
            "peak_memory_mb": peak_mb,
            "recipe_mb": report.recipe_bytes / 1e6,
            "fit_x_feature_pass": report.seconds / paired["feature_pass_seconds"],
        }
        | paired
    )


def _against_backbone(recipe: Any, dataset: Path, backbone: str, n_good: int) -> dict[str, float]:
    """Time judging alone, as the rivals are, and in turn with the bare backbone.

    Pictures are decoded before the clock. In turn, each finds the caches filled by the other.
    """
    from datetime import UTC, datetime

    from cameras import Frame
    from inspection.judging.judge import inspect
    from models._comparison.bare_backbone import BareBackbone

    canvas = recipe.settings.canvas
    bare = BareBackbone(backbone, height_px=canvas.height_px, width_px=canvas.width_px)
    planes = np.zeros((1, 3, canvas.height_px, canvas.width_px), dtype=np.float32)

    def frames() -> Iterator[Frame]:
        for number, item in enumerate(test_files(dataset)[:200]):
            image, now = read_image(item.path), datetime.now(UTC)
            yield Frame(image=image, camera="bench", sequence=number, captured_at=now)

    alone_ms = [_ms(partial(inspect, frame, recipe)) for frame in frames()][WARM_UP:]
    paired_ms = [
        (_ms(partial(inspect, frame, recipe)), _ms(partial(bare.run_planes, planes)))
        for frame in frames()
    ][WARM_UP:]
    judge_ms, bare_ms = np.array(paired_ms).T
    pass_ms = sum(_ms(partial(bare.run_planes, planes)) for _ in range(n_good))
    return {
        "ms_per_image": float(np.median(alone_ms)),
        "judge_ms": float(np.median(judge_ms)),
        "bare_backbone_ms": float(np.median(bare_ms)),
        "x_backbone": float(np.median(judge_ms / bare_ms)),
        "feature_pass_seconds": pass_ms / 1e3,
    }


def _ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - started)


def _rival(
    name: str, dataset: Path, items: list[TestPicture], size: int, backbone: str
) -> dict[str, Any]:
    from models._comparison.anomalib import ComparisonSettings, run_apart

    settings = ComparisonSettings(size=size, backbone=backbone)
    with tempfile.TemporaryDirectory() as folder:
        found = run_apart(
            name,
            good_files(dataset),
            [item.path for item in items],
            settings,
            out=Path(folder, f"{name}.npz"),
        )
        test = ScoredTestSet(
            kinds=[item.kind for item in items],
            scores=np.asarray(found.scores, np.float64),
            latency_ms=np.array([]),
            pixels=_pixels(items, found.maps),
        )
    figures = Evaluation.of(test).as_json()
    return {each.name: figures[each.name] for each in STATISTICS if each.comparable} | {
        "fit_seconds": found.fit_seconds,
        "ms_per_image": found.ms_per_image,
        "peak_memory_mb": found.peak_memory_mb,
        "coreset_ratio": found.coreset_ratio,
    }


def _pixels(items: list[TestPicture], maps: Sequence[Any]) -> LabelledPixels | None:
    """The pixels of all pictures by their maps (h, w); None unless every defective one has a mask."""
    if not all(item.mask for item in items if item.defective):
        return None
    masks = [_mask(item) for item in items]
    sized = [
        cv2.resize(np.asarray(values, np.float32), mask.shape[::-1])
        for values, mask in zip(maps, masks, strict=True)
    ]
    return LabelledPixels.gather(sized, masks)


def _mask(item: TestPicture) -> Any:
    if item.mask is not None:
        return read_image(item.mask) > 127
    return np.zeros(read_image(item.path).shape[:2], dtype=bool)


if __name__ == "__main__":
    dataset_, size_, backbone_, out_ = sys.argv[1:]
    result = measure_ours(Path(dataset_), image_size_px=int(size_), backbone=backbone_)
    Path(out_).write_text(json.dumps(result))
