"""Does adapting the pretrained backbone to one's own good parts help? Accuracy against pictures and seconds.

    python benchmarks/transfer.py ../shared/data/SET… [--goods 10 40 150] [--steps 30 300]

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
from typing import Any

import numpy as np
import safetensors.torch
import timm
import torch
from torch.nn import functional as F  # noqa: N812

import models
from inspection.recipe.setup_file import Setup
from inspection.training.dataset_folder import good_files, test_files
from inspection.training.good_pictures import GoodPictures, read_pictures
from inspection.training.metrics import auroc
from inspection.training.options import FAST, TrainingOptions
from models._backbone import _packaged_weights

NAME, SEED, MOST_TEST, BATCH, CROP_PX = "tf_efficientnet_lite0", 0, 40, 8, 96
PARTS = {"frozen": None, "blocks.4 and 5": ("blocks.4", "blocks.5"), "all": ("",)}
"""Which parameters adapt, by how their names begin."""


def adapted(goods: torch.Tensor, begin: tuple[str, ...], steps: int, *, scratch: bool) -> Any:
    """Teach the network on views of good pictures (n, 3, h, w) in -1..1; gives its weights."""
    torch.manual_seed(SEED)
    network = timm.create_model(NAME, pretrained=False, num_classes=0)
    if not scratch:
        network.load_state_dict(_packaged_weights(NAME), strict=False)
    project = torch.nn.Sequential(torch.nn.Linear(1280, 256), torch.nn.BatchNorm1d(256))
    predict = torch.nn.Sequential(
        torch.nn.Linear(256, 64),
        torch.nn.BatchNorm1d(64),
        torch.nn.ReLU(),
        torch.nn.Linear(64, 256),
    )
    own = [p for name, p in network.named_parameters() if name.startswith(begin)]
    rate = 1e-3 if scratch else 1e-4
    heads = [*project.parameters(), *predict.parameters()]
    optimizer = torch.optim.AdamW([{"params": own, "lr": rate}, {"params": heads, "lr": 1e-3}])
    network.train(scratch)
    for _ in range(steps):
        picked = goods[torch.randint(len(goods), (BATCH,))]
        views = [view(picked), view(picked)]
        codes = [project(network(each)) for each in views]
        cost = (
            -sum(
                F.cosine_similarity(predict(a), b.detach()).mean() for a, b in (codes, codes[::-1])
            )
            / 2
        )
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
    return network.state_dict()


def view(batch: torch.Tensor) -> torch.Tensor:
    """A crop of each picture, perhaps mirrored, in another light and with noise."""
    down, across = (int(torch.randint(side - CROP_PX + 1, ())) for side in batch.shape[2:])
    crop = batch[..., down : down + CROP_PX, across : across + CROP_PX]
    crop = crop.flip(3) if torch.rand(()) < 0.5 else crop
    gain = torch.empty(len(batch), 1, 1, 1).uniform_(0.7, 1.3)
    return crop * gain + 0.05 * torch.randn_like(crop)


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
    parser.add_argument("--ways", nargs="+", default=[*PARTS, "scratch"])
    parser.add_argument("--steps", nargs="+", type=int, default=[30, 300])
    given = parser.parse_args()
    print(
        "| set | good | weights | steps | seconds of adapting | image AUROC |\n|---|---|---|---|---|---|"
    )
    ways = [(name, begin, False) for name, begin in PARTS.items()] + [("scratch", ("",), True)]
    ways = [each for each in ways if each[0] in given.ways]
    for folder in given.sets:
        rng = np.random.default_rng(SEED)
        files = good_files(folder)
        order = rng.permutation(len(files))
        items, test = list(test_files(folder)), []
        for defective in (False, True):
            own = [each.path for each in items if each.defective == defective]
            test += [(own[int(i)], defective) for i in rng.permutation(len(own))[:MOST_TEST]]
        for count in given.goods:
            chosen = [files[int(i)] for i in order[:count]]
            options = TrainingOptions(effort=FAST)
            pictures = read_pictures(
                chosen, options=options, setup=Setup(), progress=lambda *_: None
            )
            planes = np.stack([each.canvas for each in pictures]).transpose(0, 3, 1, 2)
            goods = torch.from_numpy(planes).float() / 128 - 127 / 128
            for name, begin, scratch in ways:
                for steps in given.steps if begin else [0]:
                    started = time.monotonic()
                    with tempfile.TemporaryDirectory() as temporary:
                        weights = None
                        if begin:
                            weights = Path(temporary) / "own.safetensors"
                            state = adapted(goods, begin, steps, scratch=scratch)
                            safetensors.torch.save_file(state, weights)
                        seconds = time.monotonic() - started
                        found = measured(pictures, test, weights)
                    print(
                        f"| {folder.name} | {len(pictures)} | {name} | {steps} | {seconds:.0f} | {found:.3f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
