"""What steps before the model do to AUROC: by defects drawn into good pictures, and by real ones.

    python benchmarks/prepare.py ../shared/data magnetic_tile mvtec_metal_nut_part …

Prints a Markdown table. Drawn-in defects are what `--prepare auto` decides by; the labelled test
pictures are scored afterwards, to see whether it would have been right.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import models
from inspection.recipe.prepare import STEPS, Step
from inspection.recipe.setup_file import Setup
from inspection.training.choice import Shares, Tried, aurocs_of
from inspection.training.dataset_folder import good_files, test_files
from inspection.training.good_pictures import GoodPictures, read_pictures
from inspection.training.metrics import auroc
from inspection.training.options import FAST, TrainingOptions
from models import Picture

MOST_GOOD, MOST_TEST, SEED = 80, 60, 0
"""Good pictures read, and test pictures of each label, drawn with SEED."""


def measured(pictures: GoodPictures, test: list[tuple[Path, bool]]) -> tuple[Tried, float]:
    """Teach once: scores of drawn-in defects, and the AUROC of the test pictures."""
    shares = Shares(pictures, seed=SEED)
    model = models.trainable("patchcore")(shrinks=pictures.shrinks, seed=SEED)
    model.fit(shares.taught, folds=shares.folds)
    program = models.load_program(models.program_bytes(model))

    def scored(picture: Picture) -> float:
        maps, _ = program.measure(picture.canvas)
        return models.score(maps, picture.valid, model.scoring).score

    tried = Tried(
        good=np.array([scored(each) for each in shares.held_out]),
        spoiled=np.array([[scored(each) for each in row] for row in shares.spoiled]),
    )
    scores: dict[bool, list[float]] = {False: [], True: []}
    framing = pictures.framing
    for path, defective in test:
        image = framing.setup.read_picture(path)
        canvas, _, pose = framing.canvas_of(image)
        scores[defective].append(scored(Picture(canvas, framing.placed(image.shape, pose).valid)))
    return tried, auroc(np.array(scores[False]), np.array(scores[True]))


def main(data: Path, names: list[str]) -> None:
    """Print a row for each set and step."""
    print(
        "| set | steps | drawn-in AUROC | gain, 95 % interval | real AUROC |\n|---|---|---|---|---|"
    )
    for name in names:
        rng = np.random.default_rng(SEED)
        files = good_files(data / name)
        files = [files[int(i)] for i in np.sort(rng.permutation(len(files))[:MOST_GOOD])]
        options = replace(TrainingOptions(), effort=FAST)
        pictures = read_pictures(files, options=options, setup=Setup(), progress=lambda *_: None)
        items = list(test_files(data / name))
        test = []
        for defective in (False, True):
            own = [each.path for each in items if each.defective == defective]
            test += [(own[int(i)], defective) for i in rng.permutation(len(own))[:MOST_TEST]]
        plain: Tried | None = None
        tries: list[tuple[Step, ...]] = [(), *((step,) for step in STEPS), tuple(STEPS)]
        for steps in tries:
            tried, real = measured(pictures.preparing(steps), test)
            plain = plain or tried
            again = np.random.default_rng(6).integers(len(tried.good), size=(1000, len(tried.good)))
            low, high = np.quantile(
                aurocs_of(tried, again) - aurocs_of(plain, again), [0.025, 0.975]
            )
            gain = tried.auroc - plain.auroc
            told = "+".join(steps) or "none"
            print(
                f"| {name} | {told} | {tried.auroc:.3f} | {gain:+.3f} ({low:+.3f} to {high:+.3f}) | {real:.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
