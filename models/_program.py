"""The compiled form of a model: one OpenVINO program, run without torch."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as ops

from models._density import GROUPS, LEAST_SQUARED, NEIGHBOURS, PRIOR_PATCHES, LocalDensity
from models._p_values import Tail
from models._position_norm import PositionNormalization
from models._scoring import PatchMaps, ScaleMaps
from models._tiles import Tiles, shrunk
from models.base import CanvasImage, ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models._joint import Joint
    from models._scale import Memory, Scale

# bfloat16, the default on some processors, moves scores by a few per cent: a threshold set on one
# machine would not hold on another.
SETTINGS = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}


PLACES = "places"
"""Output that holds what is usual at each place of the scale measured in tiles (4, h, w)."""

PADDING = np.float32(1e30)
"""Squared length of a point that is no memory's."""


class Program:
    """A compiled program: one canvas in, its outputs as float32 arrays.

    Not thread-safe: one inference request, made once.
    """

    def __init__(
        self, model: openvino.Model, *, telling: Sequence[str] = (), device: str = "CPU"
    ) -> None:
        self.model = model
        own = len(model.outputs)
        _tell(model, telling)
        shape = model.inputs[0].get_partial_shape()
        if shape.is_dynamic or len(shape) != 4 or shape[3].get_length() != 3:
            raise ModelError(f"program: input must be (1, H, W, 3), got {shape}")
        self.height_px, self.width_px = shape[1].get_length(), shape[2].get_length()
        self._compiled = openvino.Core().compile_model(model, device, SETTINGS)
        self._request = self._compiled.create_infer_request()
        names = [_name(output) for output in self._compiled.outputs]
        self._outputs, self._names = range(own), names[:own]
        self._told = {name: own + i for i, name in enumerate(names[own:])}

    def measure(self, canvas: CanvasImage) -> tuple[PatchMaps, NDArray[np.float32]]:
        """Measure one (H, W, 3) RGB uint8 canvas by a model's program: maps and descriptor (d,)."""
        outputs = self.outputs(canvas)
        finer = tuple(
            ScaleMaps(outputs[f"plain_{k}"], outputs[f"density_{k}"])
            for k in range(1, 1 + sum(name.startswith("plain_") for name in outputs))
        )
        minds = {name: each for name, each in outputs.items() if _kind(name) == ATTENTION}
        maps = PatchMaps(outputs["distances"], finer, outputs.get("detail"), self.told() | minds)
        return maps, outputs["descriptor"]

    def told(self) -> dict[str, NDArray[Any]]:
        """What the last run told beside its outputs, one row a patch, or a picture (3, h, w)."""
        tensors = {name: self._request.get_output_tensor(i) for name, i in self._told.items()}
        return {
            name: (_rows(each.data) if _kind(name) in _UNBATCHED else each.data[0]).copy()
            for name, each in tensors.items()
        }

    @property
    def width_patches(self) -> int:
        """Columns of its first map."""
        return int(self._compiled.outputs[0].shape[-1])

    def outputs(self, canvas: CanvasImage) -> dict[str, NDArray[np.float32]]:
        """What `run` gives, by name."""
        return dict(zip(self._names, self.run(canvas), strict=True))

    def run(self, canvas: CanvasImage) -> list[NDArray[np.float32]]:
        """Run one (H, W, 3) RGB uint8 canvas; the arrays are copies without the batch axis."""
        self._request.infer({0: canvas[None]}, share_inputs=True)
        return [self._request.get_output_tensor(i).data[0].copy() for i in self._outputs]


class TiledProgram:
    """A compiled program of pictures too large for one piece.

    `whole` measures the coarser scales of the picture made smaller, and holds what is usual at each
    place of the finest; `tile` measures that scale tile by tile.
    """

    def __init__(self, whole: Program, tile: Program) -> None:
        self._whole, self._tile = whole, tile
        blank = np.zeros((whole.height_px, whole.width_px, 3), np.uint8)
        plain_gain, plain_shift, gain, shift = whole.outputs(blank)[PLACES]
        self._plain = PositionNormalization(plain_gain, plain_shift)
        self._density = PositionNormalization(gain, shift)
        stride = tile.width_px // tile.width_patches
        self.height_px, self.width_px = (stride * side for side in gain.shape)
        size_px = self.height_px, self.width_px
        self._tiles = Tiles(stride, size_px, (tile.height_px, tile.width_px))

    def measure(self, canvas: CanvasImage) -> tuple[PatchMaps, NDArray[np.float32]]:
        """As `Program.measure`."""
        times = self.height_px // self._whole.height_px
        maps, descriptor = self._whole.measure(shrunk(canvas, times))
        plain, density, *told = self._tiles.look(canvas, self._look)
        finest = ScaleMaps(self._plain.apply(plain), self._density.apply(density))
        rows = {
            f"{name}_{len(maps.finer) + 1}": each.reshape(-1, each.shape[-1])
            for name, each in zip(self._tile.told(), told, strict=True)
        }
        return PatchMaps(
            maps.distances, (*maps.finer, finest), told={**maps.told, **rows}
        ), descriptor

    def _look(self, part: CanvasImage) -> list[NDArray[Any]]:
        """The maps of a tile (h, w), and what its program tells of each patch (h, w, d)."""
        maps: list[NDArray[Any]] = list(self._tile.run(part))
        return maps + [each.reshape(*maps[0].shape, -1) for each in self._tile.told().values()]


Outputs = dict[str, Any]
"""Nodes by the name of their output; those of TOLD are no outputs until they are asked for."""

ATTENTION = "attention"
"""Output of programs on a vision transformer: how much its class token minds each patch, of scale k."""

TOLD = ("distance", "near", "points", "rebuilt")
"""What a program can tell beside its maps; the scale's number may follow."""


_UNBATCHED = ("distance", "near")
"""Those that are rows of patches, without an axis for the canvas."""


def _rows(values: NDArray[Any]) -> NDArray[Any]:
    return values.reshape(len(values), -1)


def _kind(name: str) -> str:
    return name.partition("_")[0]


def _name(output: Any) -> str:
    return min(output.names, default="")


def _tell(model: openvino.Model, telling: Sequence[str]) -> None:
    """Make outputs of what a model has of `telling`."""
    if telling:
        tensors = (_name(output) for node in model.get_ordered_ops() for output in node.outputs())
        names = {name for name in tensors if _kind(name) in telling}
        model.add_outputs(sorted(names))


def append_search(
    features: openvino.Model, scales: Sequence[Scale], *, tiled: Scale | None = None
) -> openvino.Model:
    """Fuse projection and search of each scale, coarsest first, behind a feature program.

    Its outputs are float32: `distances` (1, h, w), the coarsest scale's density map; `plain_k` and
    `density_k` (1, h', w') of each finer one, k from 1; and `descriptor` (1, d), the mean of the
    coarsest scale's whitened patches. Of a `tiled` scale, measured by a program of its own, it has
    the `places` (1, 4, h', w').
    """
    outputs = search_outputs(features, scales)
    if tiled is not None:
        usual = tiled.plain_positions, tiled.density_positions
        planes = np.stack([plane for each in usual for plane in (each.gain, each.shift)])
        outputs[PLACES] = _constant(planes[None])
    return named(outputs, features, "patchcore")


def search_outputs(features: openvino.Model, scales: Sequence[Scale]) -> Outputs:
    """What `append_search` measures, as nodes behind a feature program."""
    rows, minds = _rows_and_attention(features, len(scales))
    projected = [_project(r, scale.memory) for r, scale in zip(rows, scales, strict=True)]
    searched = [_search(p, scale) for p, scale in zip(projected, scales, strict=True)]
    outputs = {"distances": searched[0].density}
    for k, finer in enumerate(searched[1:], 1):
        outputs |= {f"plain_{k}": finer.plain, f"density_{k}": finer.density}
    outputs["descriptor"] = ops.reduce_mean(projected[0], _axes(1), False)
    for k, (points, found) in enumerate(zip(projected, searched, strict=True)):
        outputs |= {
            f"points_{k}": points,
            f"near_{k}": found.near,
            f"distance_{k}": found.distances,
        }
    return outputs | minds


def _rows_and_attention(features: openvino.Model, scales: int) -> tuple[list[Any], Outputs]:
    """The nodes of a feature program: rows of each scale, and a transformer's attention by name."""
    nodes = [output.get_node().input_value(0) for output in features.outputs]
    return nodes[:scales], {f"{ATTENTION}_{k}": each for k, each in enumerate(nodes[scales:])}


def on_same_canvas(features: openvino.Model, others: openvino.Model) -> openvino.Model:
    """Let a feature program look at the canvas of another, whose own it does not keep."""
    (own,), (canvas,) = features.get_parameters(), others.get_parameters()
    for into in own.output(0).get_target_inputs():
        into.replace_source_output(canvas.output(0))
    return features


def combined(members: Sequence[Outputs], joint: Joint) -> Outputs:
    """Several models' maps as one; the first's descriptor."""
    outputs = {"descriptor": members[0]["descriptor"]}
    kept = (*TOLD, ATTENTION)
    for member in reversed(members):  # of several, the first tells
        outputs |= {name: node for name, node in member.items() if _kind(name) in kept}
    for name, (mean, deviation) in joint.usual.items():
        planes = [member[name] for member in members]
        if tails := joint.tails.get(name):
            planes = [_cost(each, tail) for each, tail in zip(planes, tails, strict=True)]
        total = _as_one(planes, joint.rule)
        gain = np.array([1 / deviation], np.float32)
        shift = np.array([-mean / deviation], np.float32)
        outputs[name] = ops.add(ops.multiply(total, _constant(gain)), _constant(shift))
    return outputs


def _cost(plane: Any, tail: Tail) -> Any:
    """As `Tail.apply`: -log p of a map of deviations."""
    apart = ops.unsqueeze(plane, _axes(-1))
    above = ops.relu(ops.subtract(apart, _constant(tail.knots)))
    return ops.reduce_sum(ops.multiply(above, _constant(tail.rises)), _axes(-1), False)


def _as_one(planes: Sequence[Any], rule: str) -> Any:
    """As RULES of `models._p_values`."""
    share = _constant(np.array([1 / len(planes)], np.float32))
    one = _constant(np.ones(1, np.float32))
    if rule == "mean":
        return ops.multiply(reduce(ops.add, planes), share)
    if rule == "mean_rank":
        ranks = [ops.subtract(one, ops.exp(ops.negative(each))) for each in planes]
        return ops.multiply(reduce(ops.add, ranks), share)
    if rule == "fisher":
        return reduce(ops.add, planes)
    highest = reduce(ops.maximum, planes)
    if rule == "maximum":
        return highest
    total = reduce(ops.add, [ops.exp(ops.subtract(each, highest)) for each in planes])
    return ops.add(highest, ops.log(ops.multiply(total, share)))


def outputs_of(model: openvino.Model) -> Outputs:
    """What a whole program gives, as nodes by name."""
    return {_name(output): output.get_node().input_value(0) for output in model.outputs}


def all_told(model: openvino.Model) -> Outputs:
    """What a whole program gives and can tell, as nodes by name; its tensors have no names any more."""
    given = outputs_of(model)
    tensors = [output for node in model.get_ordered_ops() for output in node.outputs()]
    told = {_name(each): each for each in tensors if _kind(_name(each)) in TOLD}
    for each in tensors:
        each.get_tensor().set_names(set())
    return told | given


def append_tile_search(
    features: openvino.Model, scale: Scale, grid: tuple[int, int]
) -> openvino.Model:
    """Fuse projection and search of one scale behind the feature program of a tile.

    Its outputs are `plain` and `density` (1, h, w), not yet set against their place. `grid` (h, w).
    """
    rows = features.outputs[0].get_node().input_value(0)
    points = _project(rows, scale.memory)
    distances, density, near = _measured(points, scale)
    planes = {"plain": distances, "density": density}
    return named(
        {name: ops.reshape(each, _whole(1, *grid), False) for name, each in planes.items()}
        | {"points": points, "near": near, "distance": distances},
        features,
        "patchcore",
    )


def head_outputs(
    features: openvino.Model,
    heads: Sequence[
        tuple[NDArray[np.float32], NDArray[np.float32], openvino.Model, PositionNormalization]
    ],
) -> Outputs:
    """Whitening, a head and places as nodes behind each output of a feature program, coarsest first.

    A head is `mean` (C,), `projection` (C, d), a model from points (n, d) to values (n,), and what is
    usual at each place. Outputs are those of `append_search`.
    """
    values, told = [], {}
    each_scale, minds = _rows_and_attention(features, len(heads))
    for k, (rows, (mean, projection, head, _)) in enumerate(zip(each_scale, heads, strict=True)):
        offset = _constant(-(mean @ projection))
        points = ops.add(ops.matmul(rows, _constant(projection), False, False), offset)
        told[f"points_{k}"] = points
        count = points.get_output_shape(0)[1]
        flat = ops.reshape(points, _whole(count, projection.shape[1]), False)
        for into in head.inputs[0].get_target_inputs():
            into.replace_source_output(flat.output(0))
        values.append(head.outputs[0].get_node().input_value(0))
    placed = _placed_scales(values, [positions for *_, positions in heads])
    return (
        placed | {"descriptor": ops.reduce_mean(told["points_0"], _axes(1), False)} | told | minds
    )


def place_outputs(maps: openvino.Model, positions: Sequence[PositionNormalization]) -> Outputs:
    """Nodes that set each map of a program against what is usual at its place.

    `maps` gives a map (1, h, w) for each scale, coarsest first, then the descriptor (1, d), and the
    picture rebuilt (1, 3, h, w) where it rebuilds one. Outputs are those of `append_search`.
    """
    nodes = [output.get_node().input_value(0) for output in maps.outputs]
    values, (descriptor, *rebuilt) = nodes[: len(positions)], nodes[len(positions) :]
    told = {"rebuilt": rebuilt[0]} if rebuilt else {}
    return _placed_scales(values, positions) | {"descriptor": descriptor} | told


def _placed_scales(values: Sequence[Any], positions: Sequence[PositionNormalization]) -> Outputs:
    """The maps of all scales by name, coarsest first; a finer one's density is what is plain."""
    outputs: Outputs = {}
    for k, (each, usual) in enumerate(zip(values, positions, strict=True)):
        placed = _placed(each, usual)
        if k == 0:
            outputs["distances"] = placed
        else:
            outputs |= {
                f"plain_{k}": placed,
                f"density_{k}": ops.multiply(placed, _constant(np.ones(1, np.float32))),
            }
    return outputs


def named(outputs: Outputs, features: openvino.Model, name: str) -> openvino.Model:
    """The model that gives these outputs by name, and tells others where it is asked to."""
    given = {called: each for called, each in outputs.items() if _kind(called) not in TOLD}
    results = [ops.result(each) for each in given.values()]
    model = openvino.Model(results, features.get_parameters(), name)
    for output, called in zip(model.outputs, given, strict=True):
        output.get_tensor().set_names({called})
    for called in outputs.keys() - given.keys():
        node = outputs[called]
        output = node if isinstance(node, openvino.Output) else node.output(0)
        output.get_tensor().set_names({called})
    return model


def _project(rows: Any, memory: Memory) -> Any:
    """Whiten feature rows (1, n, C) to points (1, n, d)."""
    offset = -(memory.mean @ memory.projection)
    return ops.add(ops.matmul(rows, _constant(memory.projection), False, False), _constant(offset))


@dataclass(frozen=True, slots=True)
class _Searched:
    """Nodes of a scale's maps (1, h, w)."""

    plain: Any
    density: Any
    distances: Any
    near: Any
    """Distances (n,) to the memory, and its nearest points (n, k), the nearest first."""


def _search(points: Any, scale: Scale) -> _Searched:
    """As `Scale.measure`: distances of points (1, n, d), read against their look and their place."""
    distances, density, near = _measured(points, scale)
    return _Searched(
        distances=distances,
        near=near,
        plain=_placed(distances, scale.plain_positions),
        density=_placed(density, scale.density_positions),
    )


def _measured(points: Any, scale: Scale) -> tuple[Any, Any, Any]:
    """Distances (n,) of points (1, n, d), the same read against their look, and near points (n, k)."""
    bank = scale.memory.bank
    size = -(-len(bank) // GROUPS)
    padded = np.zeros((GROUPS * size, bank.shape[1]), dtype=np.float32)
    padded[: len(bank)] = bank
    lengths = np.full(len(padded), PADDING, dtype=np.float32)
    lengths[: len(bank)] = np.einsum("md,md->m", bank, bank)
    products = ops.matmul(points, _constant(-2.0 * padded), False, True)
    measured = ops.add(products, _constant(lengths))
    count = points.get_output_shape(0)[1]
    groups = ops.reshape(measured, _whole(count, GROUPS, size), False)
    best = ops.topk(groups, _scalar(1), 2, "min", "value", index_element_type="i32")
    few = ops.topk(
        ops.reshape(best.output(0), _whole(count, GROUPS), False),
        _scalar(min(NEIGHBOURS, -(-len(bank) // size))), 1, "min", "value", index_element_type="i32",
    )  # fmt: skip
    within = ops.gather_elements(
        ops.reshape(best.output(1), _whole(count, GROUPS), False), few.output(1), 1
    )
    start = ops.multiply(few.output(1), ops.constant(np.array([size], dtype=np.int32)))
    near = ops.add(start, within)
    nearest = ops.slice(few.output(0), _axes(0), _axes(1), _axes(1), _axes(1))
    own = ops.reduce_sum(ops.multiply(points, points), _axes(2), False)
    squared = ops.add(
        ops.reshape(nearest, _whole(count), False), ops.reshape(own, _whole(count), False)
    )
    distances = ops.sqrt(ops.maximum(squared, _constant(np.array([LEAST_SQUARED], np.float32))))
    return distances, _standardise(distances, near, scale.density, len(padded)), near


def _standardise(distances: Any, near: Any, density: LocalDensity, size: int) -> Any:
    """As `LocalDensity.standardise`: distances (n,) by what is booked at near points (n, k)."""
    booked = np.zeros((size, 3), dtype=np.float32)
    booked[: len(density.booked)] = density.booked
    count = near.get_output_shape(0)[1]
    if count < NEIGHBOURS:  # a memory so small that the last neighbour is read again
        last = ops.slice(near, _axes(count - 1), _axes(count), _axes(1), _axes(1))
        near = ops.concat([near, *[last] * (NEIGHBOURS - count)], 1)
    sums = ops.reduce_sum(ops.gather(_constant(booked), near, _scalar(0)), _axes(1), False)
    prior = np.array([1.0, density.mean, density.variance + density.mean**2], np.float32)
    sums = ops.add(sums, _constant(PRIOR_PATCHES * prior))
    weight, total, squares = (
        ops.squeeze(part, _axes(1)) for part in ops.split(sums, _scalar(1), 3).outputs()
    )
    usual = ops.divide(total, weight)
    variance = ops.subtract(ops.divide(squares, weight), ops.multiply(usual, usual))
    least = _constant(np.array([density.least_variance], np.float32))
    deviation = ops.sqrt(ops.maximum(variance, least))
    return ops.divide(ops.subtract(distances, usual), deviation)


def _placed(values: Any, positions: PositionNormalization) -> Any:
    """As `PositionNormalization.apply`: a map (1, h, w) of values (h * w,)."""
    grid = ops.reshape(values, _whole(1, *positions.gain.shape), False)
    return ops.add(ops.multiply(grid, _constant(positions.gain)), _constant(positions.shift))


def to_bytes(model: openvino.Model) -> tuple[bytes, bytes]:
    """The program as the bytes of its model.xml and model.bin."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.xml")
        for number, node in enumerate(model.get_ordered_ops()):
            node.set_friendly_name(f"node_{number}")  # its own numbers run on through a process
        openvino.save_model(model, path, compress_to_fp16=False)
        return path.read_bytes(), path.with_suffix(".bin").read_bytes()


def from_bytes(
    files: Sequence[bytes], telling: Sequence[str] = (), device: str = "CPU"
) -> Program | TiledProgram:
    """Compile a program from its files: xml and weights, and those of its tiles' program if any.

    Raises ModelError when they are no program.
    """
    try:
        pairs = zip(files[::2], files[1::2], strict=True)
        parts = [Program(read_model(*pair), telling=telling, device=device) for pair in pairs]
        return parts[0] if len(parts) == 1 else TiledProgram(*parts)
    except RuntimeError as error:
        line = str(error).strip().splitlines()[-1]
        raise ModelError(
            f"program: OpenVINO cannot read it, or not run it on {device} ({line})"
        ) from error


def read_model(xml: bytes, weights: bytes) -> openvino.Model:
    """The model in the bytes of its files. Raises RuntimeError when there is none."""
    return openvino.Core().read_model(model=xml, weights=weights)


def _constant(values: NDArray[np.float32]) -> Any:
    return ops.constant(np.ascontiguousarray(values, dtype=np.float32))


def _axes(*axes: int) -> Any:
    return ops.constant(np.array(axes, dtype=np.int64))


def _whole(*sizes: int) -> Any:
    return ops.constant(np.array(sizes, dtype=np.int64))


def _scalar(number: int) -> Any:
    return ops.constant(np.array(number, dtype=np.int32))
