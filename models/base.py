"""What an anomaly model is: good images in, anomaly maps out.

Errors
------
ModelError
├── WeightsUnavailable   pretrained weights are not on this machine
└── NotFitted            asked to score before it was taught
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from models._scoring import PatchMaps, Scoring

if TYPE_CHECKING:
    import openvino

TRAINING = ("torch", "timm", "safetensors")
"""What any model is trained with; a recipe is judged without."""

STUDENT_TEACHER = "EP 4145401 (MVTec) claims student–teacher detection"
"""Patent note of the models that are of this kind."""

CanvasImage = NDArray[np.uint8]
"""(H, W, 3) RGB uint8 at the model's own size; H and W are multiples of its coarsest stride."""

Progress = Callable[[str, int, int], None]
"""Called as (what, done, of) while long work goes on."""


class ModelError(Exception):
    """A model could not do what was asked; the message is one line for a person."""


class WeightsUnavailable(ModelError):
    """The pretrained weights are not on this machine."""


class NotFitted(ModelError):
    """The model was asked to score before it was taught."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A good picture as a model sees it: the canvas, and which of its pixels count.

    `canvas` is (H, W, 3) RGB uint8; `valid` is (H, W) bool, False over padding and ignored places.
    """

    canvas: CanvasImage
    valid: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What teaching a model takes, for 100 good pictures of 256 px, measured by `benchmarks/needs.py`.

    `least_pictures` are different good ones; `minutes` are of one core; `memory_mb` is the peak, of more or
    larger pictures it is more; both None where they were not measured. `at_most` says whether the minutes
    are those of the most steps, of which a training takes as many as help. `gpu` says whether it cannot be
    taught without a graphics card.
    """

    least_pictures: int = 5
    minutes: float | None = None
    memory_mb: int | None = None
    at_most: bool = False
    gpu: bool = False

    @property
    def minutes_text(self) -> str:
        """The minutes as a person reads them; "–" where they were not measured."""
        return "–" if self.minutes is None else f"{'≤ ' if self.at_most else ''}{self.minutes:.3g}"

    @classmethod
    def together(cls, each: Sequence[Self]) -> Self:
        """Of models taught one after another."""
        minutes = [needs.minutes for needs in each if needs.minutes is not None]
        memory_mb = [needs.memory_mb for needs in each if needs.memory_mb is not None]
        return cls(
            least_pictures=max(needs.least_pictures for needs in each),
            minutes=sum(minutes) if len(minutes) == len(each) else None,
            memory_mb=max(memory_mb) if len(memory_mb) == len(each) else None,
            at_most=any(needs.at_most for needs in each),
            gpu=any(needs.gpu for needs in each),
        )


class AnomalyModel(ABC):
    """Learns what good parts look like and measures how far a picture is from it.

    Keyword hyperparameters are stored unchanged; what is learned ends in `_`. `fit` twice equals
    `fit` once: same pictures, same seed, same bits. A file here that does not begin with `_` is a
    model, and its name there is its name everywhere.
    """

    name: str
    device: str = "cpu"
    """torch's device that networks are taught on; no hyperparameter: what is learned is always on the processor."""
    family: ClassVar[str]
    """The field's noun for the kind of method, as `inspection models` sorts them."""
    needs: ClassVar[Needs] = Needs(minutes=0.15, memory_mb=1000)
    """What teaching it takes, the default model's in the base; training refuses what is not there before it starts."""
    licence: ClassVar[str] = "this program's"
    """Of the method's code; weights that are brought have their own."""
    patent: ClassVar[str | None] = None
    """What to have looked at before it goes on a line, if anything is known."""
    tells_features: ClassVar[bool] = False
    """Whether its program tells the whitened features of patches, that labelled parts are learnt on."""
    reads_backbone: ClassVar[bool] = True
    """Whether it looks at pictures through the pretrained network that `backbone` names."""
    last_learnt: ClassVar[str] = "held_out_"
    """What `fit` sets last; before, there is nothing to ask for."""

    def __init__(
        self,
        *,
        backbone: str = "tf_efficientnet_lite0",
        weights: Path | None = None,
        shrinks: tuple[int, ...] = (2, 1),
        smoothing_patches: float = 0.0,
        level: float = 0.5,
        fine_weight: float = 0.5,
        seed: int = 0,
    ) -> None:
        self.backbone = backbone
        self.weights = weights
        self.shrinks = shrinks
        self.smoothing_patches = smoothing_patches
        self.level = level
        self.fine_weight = fine_weight
        self.seed = seed

    @abstractmethod
    def fit(
        self,
        pictures: Sequence[Picture],
        *,
        folds: NDArray[np.intp],
        progress: Progress = lambda what, done, of: None,
    ) -> Self:
        """Learn from good pictures, read one at a time and as often as needed.

        `folds` (n,) puts each picture in a fold. Sets `descriptors_` (n, d), a summary of each picture,
        and `calibrated_`.
        """

    @abstractmethod
    def measure(self, canvas: CanvasImage) -> PatchMaps:
        """Measure one canvas (H, W, 3) with the trained model itself. Raises NotFitted."""

    @abstractmethod
    def held_out(self, index: int) -> PatchMaps:
        """What a model that has not seen it measured of one of `calibrated_`. Raises NotFitted."""

    @abstractmethod
    def programs(self) -> tuple[openvino.Model, ...]:
        """The trained model as one program: canvas (1, H, W, 3) RGB uint8 in, its maps out.

        Its outputs are float32: `distances` (1, h, w), `descriptor` (1, d) and, where the model has
        one, `detail` (1, h', w'), which is drawn and never scored. A model of pictures too large for
        one piece has a second one, of a tile. Raises NotFitted.
        """

    @abstractmethod
    def card(self) -> dict[str, Any]:
        """What made this model, for the recipe: name, hyperparameters, weights, sizes.

        Plain JSON. `models.model_from_card` makes an untaught model of it, so each hyperparameter
        stands in it under its name, but those of the scoring, which the recipe keeps.
        """

    def must_be_taught(self) -> None:
        """Raise NotFitted before `fit`."""
        if not hasattr(self, self.last_learnt):
            raise NotFitted(
                f"{self.name}: asked for what it learnt before it was taught; call fit first"
            )

    def must_match(self, pictures: Sequence[Picture], folds: NDArray[np.intp]) -> None:
        """Raise ModelError unless each picture has its fold."""
        if len(pictures) != len(folds):
            raise ModelError(f"{self.name}: {len(pictures)} pictures but {len(folds)} fold numbers")

    @property
    def scoring(self) -> Scoring:
        """How what this model measures becomes a score."""
        return Scoring(
            smoothing_patches=self.smoothing_patches,
            level=self.level,
            fine_weight=self.fine_weight,
        )

    @property
    def origins(self) -> tuple[NDArray[np.intp], ...]:
        """Which good patches a taught model keeps, for each scale, coarsest first; none where it keeps none.

        (m, 2): the number of the picture, and of the patch in it, counted row by row.
        """
        return ()

    @property
    def kept_points(self) -> tuple[NDArray[np.float32], ...]:
        """The whitened features (m, d) of `origins`, where the program does not say which of them is nearest."""
        return ()

    @classmethod
    def missing(cls) -> str | None:
        """Say in one line what must be installed before this model can be trained, or None."""
        absent = [module for module in TRAINING if find_spec(module) is None]
        if not absent:
            return None
        are = "is" if len(absent) == 1 else "are"
        return f"{', '.join(absent)} {are} not installed; pip install 'inspection[train]'"

    descriptors_: NDArray[np.float32]

    calibrated_: NDArray[np.intp]
    """Numbers of the good pictures that `held_out` knows: all, or a share that a dear model held out."""
