"""anomalib's own models, taught and timed for comparing: nothing here inspects a part.

A run stands in a process of its own, so that its peak memory is its own:

    python -m models._comparison.anomalib METHOD REQUEST.json OUT.npz

`run_apart` does that; `run` is what happens inside. The torch models of anomalib are driven as its
Lightning modules drive them (batches of 32, shuffled; one picture at a time to score) with every
default but three: the backbone, its layers and the preparation of pictures are those of our models.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, overload

import numpy as np
from numpy.typing import NDArray

from models._backbone import load_backbone
from models._comparison.process_memory import peak_memory_mb
from models.base import CanvasImage, ModelError

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone

METHODS = ("patchcore", "mh_patchcore", "padim")
FORMAT = 1
BATCH = 32
"""The batch of anomalib's data modules (2.7); MHPatchcore keeps at most 256 patches of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonSettings:
    """What all methods are given alike; `size` is the side of the square pictures are squashed to.

    `strides` are those of the feature maps used. `coreset_ratio` and its time limit are of
    Patchcore: a coreset not chosen in time ends there, which is the same as a lower ratio.
    `padim_features` is what PaDiM's paper keeps of its smallest backbone; anomalib has no default
    for any but the paper's.
    """

    size: int = 256
    backbone: str = "tf_efficientnet_lite0"
    strides: tuple[int, ...] = (8, 16)
    weights: Path | None = None
    coreset_ratio: float = 0.1
    coreset_time_limit_s: float = 300.0
    padim_features: int = 100
    seed: int = 0
    threads: int = 2
    keep_maps: bool = True

    def __post_init__(self) -> None:
        for field in ("size", "coreset_time_limit_s", "padim_features", "threads"):
            if not getattr(self, field) > 0:
                raise ValueError(f"{field}: expected more than 0, got {getattr(self, field)}")
        if not 0 < self.coreset_ratio <= 1:
            raise ValueError(
                f"coreset_ratio: expected more than 0 and at most 1, got {self.coreset_ratio}"
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BaselineResult:
    """What a method reached. Scores and maps are raw and stand in the order of the test images.

    `fit_seconds` is from files to taught, libraries already loaded. `latency_ms` is from each
    picture in memory to its score and map at the model's size. `coreset_ratio` is the ratio used,
    None where the method has none. `maps` is empty when they were not kept.
    """

    method: str
    fit_seconds: float
    peak_memory_mb: float
    coreset_ratio: float | None
    anomalib_version: str
    scores: NDArray[np.float64]
    latency_ms: NDArray[np.float64]
    maps: Sequence[NDArray[np.float32]]

    @property
    def ms_per_image(self) -> float:
        """The median latency."""
        return float(np.median(self.latency_ms))


def run_apart(
    method: str,
    good: Sequence[Path],
    test: Sequence[Path],
    settings: ComparisonSettings,
    *,
    out: Path,
    timeout_s: float = 4 * 3600,
) -> BaselineResult:
    """Teach and time a method in a process of its own; `out` must outlive the use of the maps.

    Raises ModelError with the last line the process said.
    """
    out = out.absolute()
    request = out.with_suffix(".request.json")
    request.write_text(_written(good, test, settings), encoding="utf-8")
    command = [sys.executable, "-m", "models._comparison.anomalib", method, str(request), str(out)]
    try:
        done = subprocess.run(  # noqa: S603 - our own program and files
            command,
            cwd=Path(__file__).parents[2],  # where `models` is found, installed or not
            env=os.environ | {"OMP_NUM_THREADS": str(settings.threads)},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"anomalib's {method}: not done after {timeout_s:.0f} s with {len(good)} good and "
            f"{len(test)} test images; give fewer images or more time"
        ) from error
    finally:
        request.unlink()
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise ModelError(f"anomalib's {method} failed: {said[-1]}")
    return read_result(out)


def run(
    method: str,
    good: Sequence[Path],
    test: Sequence[Path],
    settings: ComparisonSettings,
    *,
    out: Path,
) -> BaselineResult:
    """Teach and time a method in this process; its peak memory is then that of this process."""
    if method not in METHODS:
        raise ModelError(f"anomalib has no method {method!r} here; there are {', '.join(METHODS)}")
    if not good or not test:
        raise ModelError(f"{method}: expected images, got {len(good)} good and {len(test)} test")
    import anomalib
    import torch

    torch.set_num_threads(settings.threads)
    backbone = load_backbone(settings.backbone, strides=settings.strides, weights=settings.weights)
    torch.manual_seed(settings.seed)
    model = _build(method, backbone, settings)
    began = time.perf_counter()
    with torch.no_grad():
        ratio = _FIT[method](model, lambda: _batches(good, backbone, settings), settings)
    fit_seconds = time.perf_counter() - began
    aside = out.with_suffix(".part")
    with zipfile.ZipFile(aside, "w") as archive:
        _score(model.eval(), backbone, test, settings, archive)
        facts = {
            "format": FORMAT,
            "method": method,
            "fit_seconds": fit_seconds,
            "peak_memory_mb": peak_memory_mb(),
            "coreset_ratio": ratio,
            "anomalib_version": anomalib.__version__,
        }
        _put(archive, "facts", np.array(json.dumps(facts)))
    aside.replace(out)
    return read_result(out)


def read_result(path: Path) -> BaselineResult:
    """The result in a file that `run` wrote; maps are read from it one at a time."""
    with np.load(path, allow_pickle=False) as archive:
        facts = json.loads(str(archive["facts"]))
        if facts.pop("format") != FORMAT:
            raise ModelError(f"{path}: expected a result of format {FORMAT}; run it again")
        return BaselineResult(
            **facts,
            scores=archive["scores"],
            latency_ms=archive["latency_ms"],
            maps=_Maps(path, archive["sizes"]),
        )


class _Maps(Sequence[NDArray[np.float32]]):
    """Maps kept at the model's size and brought to their picture's size (h, w) when asked for."""

    def __init__(self, path: Path, sizes: NDArray[np.int64]) -> None:
        self.path = path
        self.sizes = sizes

    def __len__(self) -> int:
        return len(self.sizes)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.float32]: ...
    @overload
    def __getitem__(self, index: slice) -> list[NDArray[np.float32]]: ...
    def __getitem__(self, index: int | slice) -> NDArray[np.float32] | list[NDArray[np.float32]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        import cv2

        position = range(len(self))[index]
        with np.load(self.path, allow_pickle=False) as archive:
            values = archive[f"map_{position}"]
        height, width = self.sizes[position]
        resized = cv2.resize(values, (int(width), int(height)), interpolation=cv2.INTER_LINEAR)
        return np.asarray(resized, np.float32)


Batches = Callable[[], Iterator["torch.Tensor"]]


def _fit_patchcore(model: Any, batches: Batches, settings: ComparisonSettings) -> float:
    """anomalib's greedy choice, ended when the time is up; returns the ratio that was reached.

    A greedy choice cut short is the choice of a lower ratio: each centre depends on those before.
    """
    import torch
    from anomalib.models.components import KCenterGreedy

    class OutOfTimeError(Exception):
        pass

    class Timed(KCenterGreedy):  # type: ignore[misc]
        def select_coreset_idxs(self) -> list[int]:
            self.chosen: list[int] = []
            self.ends = time.perf_counter() + settings.coreset_time_limit_s
            try:
                return list(super().select_coreset_idxs())
            except OutOfTimeError:
                return self.chosen

        def update_distances(self, cluster_center: torch.Tensor) -> None:
            self.chosen.append(int(cluster_center))
            if time.perf_counter() > self.ends:
                raise OutOfTimeError
            super().update_distances(cluster_center)

    for batch in batches():
        model(batch)
    patches = torch.vstack(model.embedding_store)
    model.embedding_store.clear()
    model.memory_bank = Timed(patches, settings.coreset_ratio).sample_coreset()
    return len(model.memory_bank) / len(patches)


def _fit_mh_patchcore(model: Any, batches: Batches, settings: ComparisonSettings) -> None:
    for batch in batches():
        model.pca.update(model(batch))
    model.pca.finalize()
    for batch in batches():
        model.covariance.update(model.pca(model(batch)))
    model.covariance.finalize()
    for batch in batches():
        model.memory_bank.update(model.covariance(model.pca(model(batch))))
    model.memory_bank.finalize()


def _fit_padim(model: Any, batches: Batches, settings: ComparisonSettings) -> None:
    for batch in batches():
        model(batch)
    model.fit()


_FIT: dict[str, Callable[[Any, Batches, ComparisonSettings], float | None]] = {
    "patchcore": _fit_patchcore,
    "mh_patchcore": _fit_mh_patchcore,
    "padim": _fit_padim,
}


def _score(
    model: Any,
    backbone: Backbone,
    test: Sequence[Path],
    settings: ComparisonSettings,
    archive: zipfile.ZipFile,
) -> None:
    """Put each picture's score, latency and map, with its own size (h, w), in the archive."""
    import torch

    scores, latency_ms, sizes = [], [], []
    for index, path in enumerate(test):
        picture = _read_image(path)
        began = time.perf_counter()
        with torch.inference_mode():
            found = model(_to_tensor([_squash(picture, settings.size)], backbone))
        scores.append(float(found.pred_score))
        values = found.anomaly_map.squeeze().numpy()
        latency_ms.append((time.perf_counter() - began) * 1000)
        if settings.keep_maps:
            sizes.append(picture.shape[:2])
            _put(archive, f"map_{index}", values)
    _put(archive, "scores", np.array(scores, np.float64))
    _put(archive, "latency_ms", np.array(latency_ms, np.float64))
    _put(archive, "sizes", np.array(sizes, np.int64))


def _build(method: str, backbone: Backbone, settings: ComparisonSettings) -> Any:
    """anomalib's model with our weights.

    Asked for pretrained weights it would fetch them from a hub, so it is built without, and the
    state of our own network, timm's of the same name cut at the same maps, is put into it.
    """
    from anomalib.models.image.mh_patchcore.torch_model import MHPatchcoreModel
    from anomalib.models.image.padim.torch_model import PadimModel
    from anomalib.models.image.patchcore.torch_model import PatchcoreModel

    name, network = settings.backbone, cast(Any, backbone.network)
    layers: list[str] = network.feature_info.module_name()
    model: Any
    if method == "patchcore":
        model = PatchcoreModel(layers, name, pre_trained=False)
    elif method == "mh_patchcore":
        model = MHPatchcoreModel(name, layers, pre_trained=False)
    else:
        model = PadimModel(name, layers, pre_trained=False, n_features=settings.padim_features)
    model.feature_extractor.feature_extractor.load_state_dict(network.state_dict())
    return model.train()  # the extractor itself is put in eval by anomalib at each call


def _batches(
    good: Sequence[Path], backbone: Backbone, settings: ComparisonSettings
) -> Iterator[torch.Tensor]:
    """The good images in a seeded order, the same in each pass."""
    order = list(good)
    random.Random(settings.seed).shuffle(order)  # noqa: S311 - no secret
    for start in range(0, len(order), BATCH):
        paths = order[start : start + BATCH]
        yield _to_tensor([_squash(_read_image(path), settings.size) for path in paths], backbone)


def _read_image(path: Path) -> CanvasImage:
    """(H, W, 3) RGB uint8."""
    import cv2

    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ModelError(f"{path}: not an image that can be read")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def _squash(picture: CanvasImage, size: int) -> CanvasImage:
    import cv2

    # INTER_AREA is a mean only where both sides shrink; enlarging, it comes close to repeating.
    shrinks = min(picture.shape[:2]) >= size
    kind = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (size, size), interpolation=kind), np.uint8)


def _to_tensor(pictures: Sequence[CanvasImage], backbone: Backbone) -> torch.Tensor:
    """float32 (N, 3, size, size), normalised as the backbone's weights want it."""
    import torch

    mean, std = (255 * torch.tensor(x).view(1, 3, 1, 1) for x in (backbone.mean, backbone.std))
    return (torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() - mean) / std


def _put(archive: zipfile.ZipFile, name: str, values: NDArray[Any]) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, values, allow_pickle=False)


def _written(good: Sequence[Path], test: Sequence[Path], settings: ComparisonSettings) -> str:
    return json.dumps(
        {
            "good": [str(path.absolute()) for path in good],
            "test": [str(path.absolute()) for path in test],
            "settings": asdict(settings),
        },
        default=lambda path: str(path.absolute()),
    )


def _read(request: Path) -> tuple[list[Path], list[Path], ComparisonSettings]:
    asked = json.loads(request.read_text(encoding="utf-8"))
    fields = asked["settings"]
    fields["strides"] = tuple(fields["strides"])
    fields["weights"] = Path(fields["weights"]) if fields["weights"] else None
    good, test = ([Path(path) for path in asked[key]] for key in ("good", "test"))
    return good, test, ComparisonSettings(**fields)


def main(arguments: Sequence[str]) -> int:
    """Run one request; a failure is one line on standard error."""
    if len(arguments) != 3:
        print("usage: METHOD REQUEST.json OUT.npz", file=sys.stderr)  # noqa: T201
        return 2
    method, request, out = arguments
    good, test, settings = _read(Path(request))
    try:
        run(method, good, test, settings, out=Path(out))
    except ModelError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
