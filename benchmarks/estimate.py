"""Is the estimate for REVIEW within its interval? Many trainings on few good pictures each, of real sets.

    python benchmarks/estimate.py DATASET... [--n 20,40,60] [--trainings 20] [--most 400] [--effort balanced]

Features of all good pictures of a set are measured once. Each training takes n of `train/good` at random and
teaches memories, places and both limits of the default model from them, with every option at its
default. The share of the good pictures it has not seen that are above the PASS limit is then counted: of
the others of `train/good`, and of `test/good`, which some sets took on another day. `--most` bounds both together.

"share within": the share counted lies in the interval that the training reports. The count has noise of its
own, so "number within" is what that interval lets so many pictures have (as in promise.py).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from promise import may_be

import models
from inspection.recipe.calibration import Calibration, calibrate
from inspection.recipe.setup_file import Setup
from inspection.training.dataset_folder import good_files, test_files
from inspection.training.good_pictures import GoodPictures, read_pictures
from inspection.training.options import BALANCED, EFFORTS, TrainingOptions
from models._features import PatchFeatures
from models._scale import Scale
from models.patchcore import PatchCore, _together

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one training said of good parts, and what became of those it had not seen."""

    dataset: str
    n: int
    seed: int
    estimated: float
    interval: tuple[float, float]
    taught_above: int
    lot: str
    above: int
    of: int

    @property
    def share(self) -> float:
        return self.above / self.of

    @property
    def within(self) -> bool:
        low, high = self.interval
        return low <= self.share <= high

    @property
    def number_within(self) -> bool:
        return may_be(self.above, self.of, self.taught_above, self.n)


class Known(PatchFeatures):
    """Features that were measured once, found again by the canvas."""

    def __init__(self, source: PatchFeatures) -> None:
        self.source, self.rows = source, dict[bytes, list[Array]]()
        self.models = source.models

    def run(self, canvas: NDArray[np.uint8]) -> list[Array]:
        key = blake2b(canvas.data, digest_size=16).digest()
        if key not in self.rows:
            self.rows[key] = self.source.run(canvas)
        return self.rows[key]

    def let_go(self) -> None:
        self.source.let_go()


class FromKnown(PatchCore):
    """The default model on features known already."""

    known: Known | None = None

    def _start(self, height_px: int, width_px: int) -> None:
        super()._start(height_px, width_px)
        if FromKnown.known is None:
            FromKnown.known = Known(self._features)
        self._features = FromKnown.known

    def judged(self, canvas: NDArray[np.uint8], valid: NDArray[np.bool_]) -> float:
        rows = self._features.run(canvas)
        scales: list[Scale] = self.scales_
        maps = _together([s.measure(r) for s, r in zip(scales, rows, strict=True)])
        return models.score(maps, valid, self.scoring).score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", type=Path, nargs="+")
    parser.add_argument("--n", default="20,40,60")
    parser.add_argument("--trainings", type=int, default=20)
    parser.add_argument("--most", type=int, default=400)
    parser.add_argument("--effort", choices=EFFORTS, default=BALANCED)
    parser.add_argument("--json", type=Path, help="every training, one a line")
    options = parser.parse_args()
    print(
        "| set | n | lot | trainings | estimated | mean share above | share within | number within | below, above |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for dataset in options.datasets:
        FromKnown.known = None
        for n in map(int, options.n.split(",")):
            found = list(trainings(dataset, n, options))
            for lot in dict.fromkeys(each.lot for each in found):
                print(row([each for each in found if each.lot == lot]), flush=True)
            if options.json is not None:
                with options.json.open("a") as file:
                    file.writelines(json.dumps(asdict(each)) + "\n" for each in found)


def trainings(dataset: Path, n: int, options: argparse.Namespace) -> Iterator[Outcome]:
    train, test = good_files(dataset), [t.path for t in test_files(dataset) if not t.defective]
    chosen = TrainingOptions(effort=options.effort)
    everything = read_pictures(
        [*train, *test], options=chosen, setup=Setup(), progress=lambda what, done, of: None
    )
    lots = np.array(["test" if good.path in set(test) else "train" for good in everything.used])
    kept = {good.path: everything[i].canvas for i, good in enumerate(everything.used)}
    for seed in range(options.trainings):
        begun = time.perf_counter()
        rng = np.random.default_rng([n, seed])
        taught = np.sort(rng.permutation(np.flatnonzero(lots == "train"))[:n])
        model, calibration, taught_scores = taught_on(everything, kept, taught, chosen, seed)
        for lot in ("train", "test"):
            unseen = rng.permutation(np.setdiff1d(np.flatnonzero(lots == lot), taught))
            unseen = unseen[: options.most // 2]
            scores = [
                model.judged(kept[everything.used[i].path], everything.valid(i)) for i in unseen
            ]
            assert calibration.review_estimated is not None
            assert calibration.review_ci95 is not None
            yield Outcome(
                dataset=dataset.name,
                n=len(taught_scores),
                seed=seed,
                estimated=calibration.review_estimated,
                interval=calibration.review_ci95,
                taught_above=int((taught_scores > calibration.threshold).sum()),
                lot=lot,
                above=int((np.array(scores) > calibration.threshold).sum()),
                of=len(scores),
            )
        print(f"{dataset.name} {n} {seed}: {time.perf_counter() - begun:.0f} s", file=sys.stderr)


def taught_on(
    everything: GoodPictures,
    kept: dict[Path, NDArray[np.uint8]],
    taught: NDArray[np.intp],
    options: TrainingOptions,
    seed: int,
) -> tuple[FromKnown, Calibration, NDArray[np.float64]]:
    """The default model on some of the good pictures, and the limits from those it has not seen in turn."""
    used = [everything.used[i] for i in taught]
    pictures = GoodPictures(everything.framing, used, kept, everything.report, everything.shrinks)
    model = FromKnown(shrinks=pictures.shrinks, seed=seed)
    model.fit(pictures, folds=pictures.folds(seed=seed))
    scores = np.array(
        [
            models.score(model.held_out(int(i)), pictures.valid(int(i)), model.scoring).score
            for i in pictures.distinct()
        ]
    )
    limits = calibrate(scores, false_reject=options.false_reject, review=options.review)
    return model, limits, scores


def row(found: list[Outcome]) -> str:
    first, missed = found[0], [each for each in found if not each.number_within]
    below = sum(each.share < each.estimated for each in missed)
    return (
        f"| {first.dataset} | {first.n} | {first.lot} ({first.of}) | {len(found)} "
        f"| {np.mean([each.estimated for each in found]):.1%} "
        f"| {np.mean([each.share for each in found]):.1%} "
        f"| {np.mean([each.within for each in found]):.0%} "
        f"| {1 - len(missed) / len(found):.0%} | {below}, {len(missed) - below} |"
    )


if __name__ == "__main__":
    main()
