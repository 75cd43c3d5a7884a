"""What models share that are one network over the whole canvas, taught on good pictures.

The network looks at the canvas made as much smaller as the coarsest scale, and says of each of its
pixels how unusual it is. It is taught once, without a share of the pictures: those are what it is
calibrated on.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from models._conversion import fingerprint, to_openvino
from models._held_out_share import hold_out
from models._position_norm import PositionNormalization, learn_positions
from models._program import named, place_outputs
from models._scoring import PatchMaps, maps_by_place, to_grid
from models._tiles import shrunk
from models.base import AnomalyModel, CanvasImage, ModelError, Picture, Progress

if TYPE_CHECKING:
    import openvino
    import torch

Array = NDArray[np.float32]
Told = Callable[[int, int], None]

PATCH_PX = 16
"""Side of a patch at each scale, in pixels of that scale."""

MOST_PIXELS = 600_000
"""Of the canvas at the coarsest scale, for networks that keep all layers while they are taught."""

MOST_BYTES = 512 * 2**20
"""Of pictures kept while teaching; of more, a share is drawn."""

SUMMARY_GRID = 4
"""Rows and columns of mean colours that a picture is told by."""


class PixelModel(AnomalyModel):
    """One network over the whole canvas that says how unusual each pixel is."""

    reads_backbone = False

    @abstractmethod
    def teach(self, planes: torch.Tensor, rng: np.random.Generator, told: Told) -> torch.nn.Module:
        """Teach a network from RGB (n, 3, h, w) in 0..1 to how unusual each pixel is (n, 1, h, w).

        `planes` is uint8 (n, 4, h, w): RGB, and 1 where a pixel counts. Raises ModelError where it
        comes to nothing.
        """

    def fit(
        self,
        pictures: Sequence[Picture],
        *,
        folds: NDArray[np.intp],
        progress: Progress = lambda what, done, of: None,
    ) -> Self:
        """Teach on most pictures, and measure those held out."""
        self.must_match(pictures, folds)
        self._start(pictures)
        numbers = np.unique(folds, return_inverse=True)[1]
        apart = hold_out(numbers, self.seed)
        self.calibrated_ = np.flatnonzero(apart)
        rng = np.random.default_rng([self.seed, 11])
        planes, self.descriptors_ = self._look(pictures, ~apart, rng, progress)
        network = self.teach(planes, rng, lambda done, of: progress("Teaching", done, of))
        self.network_ = _maps_of(network.eval(), self.shrinks, self.grids_)
        self._calibrate(pictures, numbers, progress)
        return self

    def measure(self, canvas: CanvasImage) -> PatchMaps:
        """Measure one canvas (H, W, 3) by torch: the reference the program is checked against."""
        self.must_be_taught()
        raw = self._raw(canvas)
        return maps_by_place(
            [usual.apply(each) for usual, each in zip(self.positions_, raw, strict=True)]
        )

    def held_out(self, index: int) -> PatchMaps:
        """What the network, which has not seen it, measured of this good picture. Raises NotFitted."""
        self.must_be_taught()
        (number,) = np.flatnonzero(self.calibrated_ == index)
        return maps_by_place([maps[number] for maps in self.held_out_])

    def programs(self) -> tuple[openvino.Model, ...]:
        """Preprocessing, network and places as one program. Raises NotFitted, and ModelError."""
        import torch

        self.must_be_taught()
        height, width = (PATCH_PX * self.shrinks[0] * side for side in self.grids_[0])
        try:
            example = torch.zeros((1, height, width, 3), dtype=torch.uint8)
            maps = to_openvino(self.network_, example)
        except Exception as error:  # OpenVINO's frontends raise errors of their own, by operation
            line = str(error).strip().splitlines()[-1]
            raise ModelError(
                f"{self.name}: OpenVINO cannot take its network ({line}); use another --model"
            ) from error
        return (named(place_outputs(maps, self.positions_), maps, self.name),)

    def card(self) -> dict[str, Any]:
        """Hyperparameters, weights and sizes."""
        return {
            "name": self.name,
            "backbone": self.backbone,
            "weights": None if self.weights is None else self.weights.name,
            "weights_sha256": fingerprint(self.network_),
            "mean": [0.0, 0.0, 0.0],
            "std": [1.0, 1.0, 1.0],
            "shrinks": list(self.shrinks),
            "strides": [PATCH_PX],
            "channels": [1],
            "grid": list(self.grids_[0]),
            "seed": self.seed,
        }

    def _start(self, pictures: Sequence[Picture]) -> None:
        height, width = pictures[0].canvas.shape[:2]
        least = self.needs.least_pictures
        if len(pictures) < least:
            raise ModelError(
                f"{self.name}: {len(pictures)} good pictures, at least {least} are needed; "
                "bring more, or use --model patchcore"
            )
        pixels = height * width // self.shrinks[0] ** 2
        if pixels > MOST_PIXELS:
            raise ModelError(
                f"{self.name}: the canvas has {pixels / 1e6:.2f} megapixels at its coarsest scale, at "
                f"most {MOST_PIXELS / 1e6:.1f} are allowed; use a smaller --image-size, or --model patchcore"
            )
        if not any(picture.valid.any() for picture in pictures):
            raise ModelError(
                f"{self.name}: no pixel to learn from; the region of interest is empty"
            )
        sides = [(height // (n * PATCH_PX), width // (n * PATCH_PX)) for n in self.shrinks]
        self.grids_ = sides

    def _look(
        self,
        pictures: Sequence[Picture],
        own: NDArray[np.bool_],
        rng: np.random.Generator,
        progress: Progress,
    ) -> tuple[torch.Tensor, Array]:
        """Read all pictures once: planes of those to learn from, and a summary of each."""
        import torch

        size = [PATCH_PX * side for side in self.grids_[0]]
        room = max(1, MOST_BYTES // (4 * size[0] * size[1]))
        kept = set(rng.permutation(np.flatnonzero(own))[:room].tolist())
        planes, summaries = [], []
        for i, picture in enumerate(pictures):
            small = torch.from_numpy(shrunk(picture.canvas, self.shrinks[0])).permute(2, 0, 1)
            summaries.append(_summary(small[None].float() / 255)[0].numpy())
            if i in kept:
                counts = torch.from_numpy(to_grid(picture.valid, *size))
                planes.append(torch.cat([small, counts[None].to(torch.uint8)]))
            progress("Looking at good parts", i + 1, len(pictures))
        return torch.stack(planes), np.asarray(summaries, np.float32)

    def _calibrate(
        self, pictures: Sequence[Picture], folds: NDArray[np.intp], progress: Progress
    ) -> None:
        """Measure the pictures held out, and learn what is usual at each place of them."""
        raw: list[list[Array]] = []
        valid = []
        for done, index in enumerate(self.calibrated_, 1):
            picture = pictures[int(index)]
            raw.append(self._raw(picture.canvas))
            valid.append(picture.valid)
            progress("Measuring good parts", done, len(self.calibrated_))
        own = folds[self.calibrated_]
        positions, held_out = [], []
        for maps, grid in zip(zip(*raw, strict=True), self.grids_, strict=True):
            measured = np.stack(maps)
            if not np.isfinite(measured).all():
                raise ModelError(
                    f"{self.name}: it diverged, its values are not finite; try another --seed, "
                    "more good pictures, or --model patchcore"
                )
            counted = np.array([to_grid(each, *grid) for each in valid])
            unit = np.float32(1 / max(float(measured[counted].std()), 1e-20))
            usual, deviations = learn_positions(measured * unit, counted, own)
            positions.append(PositionNormalization(usual.gain * unit, usual.shift))
            held_out.append(deviations)
        self.positions_: list[PositionNormalization] = positions
        self.held_out_: list[Array] = held_out

    def _raw(self, canvas: CanvasImage) -> list[Array]:
        """How unusual the network finds the patches of each scale, (h, w)."""
        import torch

        with torch.no_grad():
            maps = self.network_(torch.from_numpy(canvas)[None])[: len(self.grids_)]
        return [each[0].numpy() for each in maps]


def _maps_of(
    network: torch.nn.Module, shrinks: tuple[int, ...], grids: Sequence[tuple[int, int]]
) -> torch.nn.Module:
    """From a canvas uint8 (1, H, W, 3) to a map (1, h, w) for each scale, and a summary (1, d).

    A network that has `rebuild`, which gives the picture rebuilt and how wrong it is, also gives that
    picture (1, 3, h, w).
    """
    import torch
    from torch.nn import functional as F  # noqa: N812

    class Maps(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, canvas: torch.Tensor) -> tuple[torch.Tensor, ...]:
            x = canvas.permute(0, 3, 1, 2).contiguous().float() / 255
            if shrinks[0] > 1:
                x = F.avg_pool2d(x, shrinks[0])
            rebuilt: tuple[torch.Tensor, ...] = ()
            if hasattr(self.network, "rebuild"):
                *rebuilt, found = cast(Any, self.network).rebuild(x)
            else:
                found = self.network(x)
            maps = [F.adaptive_avg_pool2d(found, grid)[:, 0] for grid in grids]
            return (*maps, _summary(x), *rebuilt)

    return Maps().eval()


def _summary(planes: torch.Tensor) -> torch.Tensor:
    """The mean colours of RGB planes (n, 3, h, w) on a coarse grid: (n, d)."""
    from torch.nn import functional as F  # noqa: N812

    return F.adaptive_avg_pool2d(planes, SUMMARY_GRID).flatten(1)
