"""The compiled form of a model: one OpenVINO program, run without torch."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as ops

from models._position_norm import PositionNormalization
from models._scoring import PatchMaps
from models.base import CanvasImage, ModelError

if TYPE_CHECKING:
    from models._detail import FineDetail

# bfloat16, the default on some processors, moves scores by a few per cent: a threshold set on one
# machine would not hold on another.
SETTINGS = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}


class Program:
    """A compiled program: one canvas in, its outputs as float32 arrays.

    Not thread-safe: one inference request, made once.
    """

    def __init__(self, model: openvino.Model) -> None:
        self.model = model
        shape = model.inputs[0].get_partial_shape()
        if shape.is_dynamic or len(shape) != 4 or shape[3].get_length() != 3:
            raise ModelError(f"program: input must be (1, H, W, 3), got {shape}")
        self.height_px, self.width_px = shape[1].get_length(), shape[2].get_length()
        self._compiled = openvino.Core().compile_model(model, "CPU", SETTINGS)
        self._request = self._compiled.create_infer_request()
        self._outputs = range(len(self._compiled.outputs))

    def measure(self, canvas: CanvasImage) -> tuple[PatchMaps, NDArray[np.float32]]:
        """Measure one (H, W, 3) RGB uint8 canvas by a model's program: maps and descriptor (d,)."""
        distances, descriptor, *detail = self.run(canvas)
        return PatchMaps(distances, *detail), descriptor

    def run(self, canvas: CanvasImage) -> list[NDArray[np.float32]]:
        """Run one (H, W, 3) RGB uint8 canvas; the arrays are copies without the batch axis."""
        self._request.infer({0: canvas[None]}, share_inputs=True)
        return [self._request.get_output_tensor(i).data[0].copy() for i in self._outputs]


def append_search(
    features: openvino.Model,
    *,
    mean: NDArray[np.float32],
    projection: NDArray[np.float32],
    bank: NDArray[np.float32],
    places: PositionNormalization,
    detail: FineDetail,
) -> openvino.Model:
    """Fuse projection and nearest-neighbour search behind a feature program.

    `mean` (C,), `projection` (C, d), `bank` (m, d). Outputs `distances` (1, h, w): Euclidean
    distance of each projected patch to its nearest bank vector, evened out by `places`;
    `descriptor` (1, d): the patches' mean; and `detail` (1, h', w').
    """
    rows = features.output(0).get_node().input_value(0)
    offset = -(mean @ projection)
    projected = ops.add(ops.matmul(rows, _constant(projection), False, False), _constant(offset))
    products = ops.matmul(projected, _constant(-2.0 * bank), False, True)
    lengths = np.einsum("md,md->m", bank, bank)
    nearest = ops.reduce_min(ops.add(products, _constant(lengths)), _axes(2), False)
    own = ops.reduce_sum(ops.multiply(projected, projected), _axes(2), False)
    squared = ops.maximum(ops.add(nearest, own), _constant(np.zeros(1, np.float32)))
    shape = ops.constant(np.array([1, *places.gain.shape], dtype=np.int64))
    nearest = ops.reshape(ops.sqrt(squared), shape, False)
    distances = ops.add(ops.multiply(nearest, _constant(places.gain)), _constant(places.shift))
    descriptor = ops.reduce_mean(projected, _axes(1), False)
    outputs = {
        "distances": distances,
        "descriptor": descriptor,
        "detail": _detail(features.output(1).get_node().input_value(0), detail),
    }
    results = [ops.result(each) for each in outputs.values()]
    model = openvino.Model(results, features.get_parameters(), "patchcore")
    for output, name in zip(model.outputs, outputs, strict=True):
        output.get_tensor().set_names({name})
    return model


def _detail(rows: Any, detail: FineDetail) -> Any:
    """Measure fine rows (1, h * w, C) against their places: (1, h, w)."""
    white = ops.matmul(rows, _constant(detail.projection), False, False)
    apart = ops.add(ops.multiply(white, _constant(detail.gain)), _constant(detail.shift))
    far = ops.sqrt(ops.reduce_mean(ops.multiply(apart, apart), _axes(2), False))
    shape = ops.constant(np.array([1, *detail.grid], dtype=np.int64))
    return ops.reshape(ops.multiply(far, _constant(np.array([detail.unit]))), shape, False)


def to_bytes(model: openvino.Model) -> tuple[bytes, bytes]:
    """The program as the bytes of its model.xml and model.bin."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.xml")
        for number, node in enumerate(model.get_ordered_ops()):
            node.set_friendly_name(f"node_{number}")  # its own numbers run on through a process
        openvino.save_model(model, path, compress_to_fp16=False)
        return path.read_bytes(), path.with_suffix(".bin").read_bytes()


def from_bytes(xml: bytes, weights: bytes) -> Program:
    """Compile a program from the bytes of its files. Raises ModelError when they are no program."""
    try:
        return Program(read_model(xml, weights))
    except RuntimeError as error:
        line = str(error).strip().splitlines()[-1]
        raise ModelError(f"program: OpenVINO cannot read it ({line})") from error


def read_model(xml: bytes, weights: bytes) -> openvino.Model:
    """The model in the bytes of its files. Raises RuntimeError when there is none."""
    return openvino.Core().read_model(model=xml, weights=weights)


def _constant(values: NDArray[np.float32]) -> Any:
    return ops.constant(np.ascontiguousarray(values, dtype=np.float32))


def _axes(*axes: int) -> Any:
    return ops.constant(np.array(axes, dtype=np.int64))
