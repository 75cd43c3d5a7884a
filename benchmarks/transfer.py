"""Does adapting the pretrained backbone to one's own good parts help? Accuracy against pictures and seconds.

    python benchmarks/transfer.py ../shared/data/SET… [--goods 10 40 150] [--steps 30 100 300]

For each number of good pictures: `patchcore` at `--effort fast` on the backbone as it is (frozen), on one
whose last blocks, or all of it, were adapted to the good pictures without labels (SimSiam: Chen and
He, CVPR 2021: two views of a picture are to have the same features), and on the same network taught so from
random weights. The labelled test pictures only measure. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import safetensors.torch

import models
from inspection.recipe.setup_file import Setup
from inspection.training.dataset_folder import good_files, test_files
from inspection.training.good_pictures import GoodPictures, read_pictures
from inspection.training.metrics import auroc
from inspection.training.options import FAST, TrainingOptions
from models._adapting import adapted
from models._backbone import load_backbone

NAME, SEED = "tf_efficientnet_lite0", 0
WAYS = {
    "frozen": None,
    "last": {"only_last": True},
    "all": {"only_last": False},
    "scratch": {"only_last": False, "scratch": True},
}
"""How the network is taught; frozen: not at all."""


def measured(pictures: GoodPictures, test: list[tuple[Path, bool]], weights: Path | None) -> float:
    """The image AUROC of `patchcore` on these weights."""
    model = models.trainable("patchcore")(shrinks=pictures.shrinks, seed=SEED, weights=weights)
    model.fit(pictures, folds=pictures.folds(seed=SEED))
    program = models.load_program(models.program_bytes(model))
    scores: dict[bool, list[float]] = {False: [], True: []}
    for path, defective in test:
        image = pictures.framing.setup.read_picture(path)
        canvas, _, pose = pictures.framing.canvas_of(image)
        valid = pictures.framing.placed(image.shape, pose).valid
        scores[defective].append(
            models.score(program.measure(canvas)[0], valid, model.scoring).score
        )
    return auroc(np.array(scores[False]), np.array(scores[True]))


def main() -> None:
    """Print a row for each set, number of good pictures and way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--goods", nargs="+", type=int, default=[10, 40, 150])
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--steps", nargs="+", type=int, default=[30, 100, 300])
    parser.add_argument("--most-test", type=int, default=100)
    given = parser.parse_args()
    print("| set | good | taught | steps | seconds | image AUROC |\n|---|---|---|---|---|---|")
    backbone = load_backbone(NAME, strides=(8, 16))
    for folder in given.sets:
        rng = np.random.default_rng(SEED)
        files = good_files(folder)
        order = rng.permutation(len(files))
        items, test = list(test_files(folder)), []
        for defective in (False, True):
            own = [each.path for each in items if each.defective == defective]
            test += [(own[int(i)], defective) for i in rng.permutation(len(own))[: given.most_test]]
        for count in sorted({min(each, len(files)) for each in given.goods}):
            chosen = [files[int(i)] for i in order[:count]]
            options = TrainingOptions(effort=FAST)
            pictures = read_pictures(
                chosen, options=options, setup=Setup(), progress=lambda *_: None
            )
            canvases = np.stack([each.canvas for each in pictures])
            for name in given.ways:
                for steps in given.steps if WAYS[name] else [0]:
                    started, weights = time.monotonic(), None
                    with tempfile.TemporaryDirectory() as temporary:
                        if (way := WAYS[name]) is not None:
                            weights = Path(temporary) / "own.safetensors"
                            found = adapted(backbone, canvases, steps=steps, seed=SEED, **way)
                            safetensors.torch.save_file(found.weights, weights)
                        seconds = time.monotonic() - started
                        reached = measured(pictures, test, weights)
                    print(
                        f"| {folder.name} | {len(pictures)} | {name} | {steps} | {seconds:.0f} | {reached:.3f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
