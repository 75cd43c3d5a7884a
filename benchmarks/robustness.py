"""What a recipe makes of changed light, focus, position, noise and files, and of odd pictures to learn.

    python benchmarks/robustness.py DATASET... [--most 40] [--effort balanced] [--json]

A recipe is taught on the good pictures as they are; then the test pictures, good and defective alike,
are changed and judged. For the last rows the test pictures stay and defective ones are put among
the good ones that are learnt; those are not tested. A defect that CANNOT_INSPECT counts as rejected, a good
part too. DATASET is in the MVTec layout; nothing is written into it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras import read_image
from inspection.recipe import Recipe, open_recipe
from inspection.recipe.setup_file import Setup
from inspection.training.dataset_folder import TestPicture, good_files, test_files
from inspection.training.evaluate import evaluate
from inspection.training.options import BALANCED, EFFORTS, TrainingOptions
from inspection.training.train import train_recipe

Image = NDArray[np.uint8]
COLUMNS = {
    "image_auroc": ("image AUROC", ".3f"),
    "tpr_at_5": ("found at 5 %", ".3f"),
    "escape_rate": ("escapes", ".1%"),
    "overkill_rate": ("good not PASS", ".1%"),
    "good_fail_rate": ("good FAIL", ".1%"),
    "n_cannot_inspect": ("CANNOT_INSPECT", "d"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """A change of pictures; `make` gives the changed one, chance included."""

    name: str
    make: Callable[[Image, np.random.Generator], Image]


def light(gain: float) -> Change:
    return Change(f"light x {gain}", lambda image, rng: _bytes(image * np.float32(gain)))


def gradient(share: float) -> Change:
    """Light that falls off from one side to the other by this share."""

    def make(image: Image, rng: np.random.Generator) -> Image:
        fall = np.linspace(1, 1 - share, image.shape[1], dtype=np.float32)
        return _bytes(image * (fall[:, None] if image.ndim == 3 else fall))

    return Change(f"light falls off by {share:.0%}", make)


def focus(sigma: float) -> Change:
    """Blurred by a share of the longer side, in thousandths."""

    def make(image: Image, rng: np.random.Generator) -> Image:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma * max(image.shape[:2]) / 1000))

    return Change(f"blur {sigma} per mille", make)


def position(share: float, angle_deg: float) -> Change:
    """Moved in some direction by this share of the longer side, and turned to one side."""

    def make(image: Image, rng: np.random.Generator) -> Image:
        height, width = image.shape[:2]
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.choice([-1, 1]) * angle_deg, 1)
        way = rng.uniform(0, 2 * np.pi)
        turn[:, 2] += share * max(height, width) * np.array([np.cos(way), np.sin(way)])
        return np.asarray(
            cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        )

    return Change(f"moved {share:.1%}, turned {angle_deg} deg", make)


def noise(sigma: float) -> Change:
    """Noise of the sensor, in grey levels."""

    def make(image: Image, rng: np.random.Generator) -> Image:
        return _bytes(image + rng.normal(0, sigma, image.shape).astype(np.float32))

    return Change(f"noise {sigma} grey levels", make)


def jpeg(quality: int) -> Change:
    def make(image: Image, rng: np.random.Generator) -> Image:
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), np.uint8)

    return Change(f"JPEG quality {quality}", make)


CHANGES = (
    Change("as it is", lambda image, rng: image),
    light(0.9), light(1.1), light(0.7), light(1.3), gradient(0.2),
    focus(1), focus(2.5),
    position(0.01, 0), position(0.03, 0), position(0, 2), position(0.01, 5),
    noise(3), noise(8),
    jpeg(90), jpeg(50),
)  # fmt: skip
ODD = {"one of the good pictures is defective": 0.0, "a tenth of them is": 0.1}
"""What share of the pictures that are learnt is defective; at least one."""


def main() -> None:
    options = _options()
    rows = [row for dataset in options.datasets for row in measure(dataset, options)]
    if options.json:
        print(json.dumps(rows))
        return
    print("| dataset | change | " + " | ".join(title for title, _ in COLUMNS.values()) + " |")
    print("|---" * (2 + len(COLUMNS)) + "|")
    for row in rows:
        cells = [
            "–" if row[name] is None else format(row[name], form)
            for name, (_, form) in COLUMNS.items()
        ]
        print(f"| {row['dataset']} | {row['change']} | " + " | ".join(cells) + " |")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("datasets", type=Path, nargs="+")
    parser.add_argument(
        "--most", type=int, default=40, help="test pictures, good and defective each"
    )
    parser.add_argument("--effort", choices=EFFORTS, default=BALANCED)
    parser.add_argument("--image-size", type=int, default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure(dataset: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every change of a dataset, then every share of odd pictures among the good ones."""
    rng = np.random.default_rng(options.seed)
    items = _some(test_files(dataset), options.most, rng)
    good, rows = good_files(dataset), []
    recipe = taught(good, [], options)
    for change in CHANGES:
        rows.append(_row(dataset, change.name, recipe, items, change, options))
    spare = [item for item in test_files(dataset) if item.defective and item not in items]
    spare = [spare[int(index)] for index in rng.permutation(len(spare))]
    for name, share in ODD.items():
        count = max(1, round(share * len(good)))
        odd, tested = spare[:count], items
        if len(odd) < count:  # of a small set some that would be tested are learnt
            taken = [item for item in items if item.defective][: count - len(odd)]
            odd, tested = odd + taken, [item for item in items if item not in taken]
        recipe = taught(good, [item.path for item in odd], options)
        rows.append(_row(dataset, name, recipe, tested, CHANGES[0], options))
    return rows


def taught(good: list[Path], odd: list[Path], options: argparse.Namespace) -> Recipe:
    """A recipe of the good pictures, odd ones in the place of some of them."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder, "good")
        pictures.mkdir()
        for number, path in enumerate([*odd, *good[len(odd) :]]):
            (pictures / f"{number:05d}{path.suffix}").symlink_to(path.resolve())
        settings = TrainingOptions(
            effort=options.effort, image_size_px=options.image_size, seed=options.seed
        )
        train_recipe(pictures, Path(folder, "r.recipe"), options=settings, setup=Setup())
        return open_recipe(Path(folder, "r.recipe"))


def _row(
    dataset: Path,
    name: str,
    recipe: Recipe,
    items: list[TestPicture],
    change: Change,
    options: argparse.Namespace,
) -> dict[str, Any]:
    print(f"{dataset.name}: {name}", file=sys.stderr)
    rng = np.random.default_rng([options.seed, 1])
    with tempfile.TemporaryDirectory() as folder:
        for number, item in enumerate(items):
            path = Path(folder, "test", item.kind, f"{number:05d}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            image = change.make(read_image(item.path), rng)
            cv2.imwrite(
                str(path), image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
            )
        figures = evaluate(recipe, Path(folder)).as_json()
    if figures["n_cannot_inspect"] == len(items):
        figures |= {"image_auroc": None, "tpr_at_5": None}  # nothing was scored
    return {"dataset": dataset.name, "change": name} | {
        column: figures[column] for column in COLUMNS
    }


def _some(items: list[TestPicture], most: int, rng: np.random.Generator) -> list[TestPicture]:
    """At most so many good and as many defective pictures, in an order by chance."""
    mixed = [items[int(index)] for index in rng.permutation(len(items))]
    good = [item for item in mixed if not item.defective][:most]
    return good + [item for item in mixed if item.defective][:most]


def _bytes(values: NDArray[np.float32]) -> Image:
    return np.clip(values, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
