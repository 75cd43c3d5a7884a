"""A small student and its teacher, and an autoencoder beside them: where they disagree.

Batzner, Heckler, König, "EfficientAD: accurate visual anomaly detection at millisecond-level latencies", WACV 2024;
networks and losses are anomalib's. The teacher's weights and some photographs must be brought.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from models import _anomalib_model
from models._anomalib_model import AnomalibModel
from models.base import STUDENT_TEACHER, ModelError, Needs

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone
    from models._pixel_model import Told

TEACHER = "pretrained_teacher_small.pth"
"""As anomalib's release `efficientad_pretrained_weights.zip` has it."""

PHOTOGRAPHS = "photographs"
FEWEST, MOST = 50, 400
"""Photographs: what no student may imitate its teacher on, so that it learns the parts alone."""

LEAST_PX = 256
"""Of a side: the autoencoder's kernels need as much; smaller pictures are made larger."""

QUANTILES = (0.9, 0.995)


class EfficientAd(AnomalibModel):
    """Disagreement of a small student with its teacher and with an autoencoder, quick to judge."""

    name = "efficient_ad"
    family = "student–teacher"
    needs = Needs()
    patent = STUDENT_TEACHER
    strides = ()
    reads_backbone = False
    multiple = 64
    collects = True
    batch = 1
    learning_rate = 1e-4
    least_steps, most_steps = 100, 400

    @classmethod
    def missing(cls) -> str | None:
        """Say in one line what must be installed or brought, or None."""
        if (absent := super().missing()) is not None:
            return absent
        folder = _anomalib_model.WEIGHTS_FOLDER
        if not (folder.expanduser() / TEACHER).is_file():
            return (
                "its teacher is not on this machine; put it, from anomalib's release "
                f"efficientad_pretrained_weights.zip, at {folder / TEACHER}"
            )
        if (count := len(_photographs())) < FEWEST:
            return (
                f"it needs photographs of anything beside the good pictures, such as imagenette2's, {count} are there; "
                f"put at least {FEWEST} (.jpg or .png) into {folder / PHOTOGRAPHS}"
            )
        return None

    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """The teacher with its weights, a student and an autoencoder to teach."""
        import torch
        from anomalib.models.image.efficient_ad.torch_model import EfficientAdModel

        file = _anomalib_model.WEIGHTS_FOLDER.expanduser() / TEACHER
        height, width = (max(LEAST_PX, side) for side in size)

        class Model(EfficientAdModel):  # type: ignore[misc]
            """anomalib's, small, with the teacher's weights; sums are of its features."""

            def __init__(self) -> None:
                super().__init__()
                try:
                    state = torch.load(file, map_location="cpu", weights_only=True)
                    self.teacher.load_state_dict(state)
                except Exception as error:  # torch's, zip's and pickle's own
                    raise ModelError(
                        f"efficient_ad: {file} is not the teacher's weights ({type(error).__name__}); bring {TEACHER}"
                    ) from error
                self.teacher.eval().requires_grad_(requires_grad=False)
                self.mean_std.requires_grad_(requires_grad=False)
                self.sums: list[tuple[torch.Tensor, torch.Tensor]] = []
                self.photographs = torch.from_numpy(_read_photographs(height, width))
                scale = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
                self.register_buffer("usual", scale)

            def enlarged(self, x: torch.Tensor) -> torch.Tensor:
                if tuple(x.shape[2:]) == (height, width):
                    return x
                return torch.nn.functional.interpolate(x, size=(height, width), mode="bilinear")

            def both(self, x: torch.Tensor) -> torch.Tensor:
                """The student's and the autoencoder's raw maps (n, 2, h, w)."""
                x = self.enlarged(x)
                maps = self.compute_maps(
                    x, *self.compute_student_teacher_distance(x), normalize=False
                )
                return torch.cat(maps, 1)

        return Model()

    def collect(self, network: Any, x: torch.Tensor) -> None:
        """Add up the teacher's features and their squares, channel by channel."""
        features = network.teacher(network.enlarged(x))
        network.sums.append((features.mean((0, 2, 3)), features.square().mean((0, 2, 3))))

    def settle(self, network: Any) -> None:
        """Mean and deviation of the teacher's channels over the good pictures."""
        import torch

        mean, squares = (torch.stack(each).mean(0) for each in zip(*network.sums, strict=True))
        deviation = (squares - mean.square()).clamp_min(1e-12).sqrt()
        network.mean_std["mean"].copy_(mean[None, :, None, None])
        network.mean_std["std"].copy_(deviation[None, :, None, None])
        network.sums = []

    def cost(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """The student's, the autoencoder's, and the student's of the autoencoder, as anomalib has them."""
        import torch

        x = network.enlarged(x)
        number = int(torch.randint(len(network.photographs), (1,), device="cpu"))
        photograph = network.photographs[number][None].to(x.device).float() / 255
        distance = network.compute_student_teacher_distance(x)[1]
        found: torch.Tensor = sum(network.compute_losses(x, photograph, distance))
        return found

    def teach(self, planes: torch.Tensor, rng: np.random.Generator, told: Told) -> torch.nn.Module:
        """Teach it, and learn how large both maps usually are on good pictures."""
        import torch

        from models._pixel_networks import apart

        taught = super().teach(planes, rng, told)
        outer = cast(Any, taught)
        network = outer.network
        with torch.no_grad():
            maps = [
                network.both(outer.prepared(apart(each)[0])).flatten(2)
                for each in torch.split(planes[:64], 1)
            ]
            shares = torch.tensor(QUANTILES)
            values = torch.cat(maps, 2)[0][:, :: max(1, len(maps) // 4)]
            low, high = torch.quantile(values, shares, dim=1)
            network.usual.copy_(torch.stack([low, (high - low).clamp_min(1e-12)]))
        network.photographs = network.photographs[:0]
        return taught

    def told(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """Both maps by what is usual of each, and their mean."""
        from torch.nn import functional as F  # noqa: N812

        low, span = network.usual[:, None, :, None, None]
        found: torch.Tensor = ((network.both(x) - low) / span).mean(1, keepdim=True)
        if found.shape[2:] == x.shape[2:]:
            return found
        return F.interpolate(found, size=x.shape[2:], mode="bilinear")


def _photographs() -> list[Path]:
    folder = _anomalib_model.WEIGHTS_FOLDER.expanduser() / PHOTOGRAPHS
    kinds = {".jpg", ".jpeg", ".png"}
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() in kinds)


def _read_photographs(height: int, width: int) -> NDArray[np.uint8]:
    """Evenly chosen photographs, covering the size (n, 3, h, w) RGB; every third is grey."""
    files = _photographs()
    chosen = [files[int(i)] for i in np.linspace(0, len(files) - 1, min(MOST, len(files))).round()]
    found = []
    for number, file in enumerate(chosen):
        image = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            continue
        scale = max(height / image.shape[0], width / image.shape[1])
        sides = [
            max(need, round(side * scale))
            for need, side in zip((height, width), image.shape[:2], strict=True)
        ]
        whole = cv2.resize(image, (sides[1], sides[0]), interpolation=cv2.INTER_AREA)
        top, left = (sides[0] - height) // 2, (sides[1] - width) // 2
        part = whole[top : top + height, left : left + width, ::-1]
        if number % 3 == 0:
            part = np.repeat(part.mean(2, keepdims=True).astype(np.uint8), 3, axis=2)
        found.append(part.transpose(2, 0, 1))
    if len(found) < FEWEST:
        raise ModelError(
            f"efficient_ad: {len(found)} of {len(chosen)} photographs can be read, at least {FEWEST} are needed"
        )
    return np.ascontiguousarray(np.stack(found))
